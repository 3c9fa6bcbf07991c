/** The letter of a response in its colour and line style: its identity in editors, panels and charts. */
import { seriesStyle } from './objective-language.ts';
import classes from './response-letter.module.css';

export function ResponseLetter({ index }: { readonly index: number }) {
  const style = seriesStyle(index);
  return (
    <span className={classes.letter} aria-hidden="true">
      {String.fromCharCode(65 + index)}
      <svg width="18" height="3" viewBox="0 0 18 3" focusable="false">
        <line
          x1="0"
          x2="18"
          y1="1.5"
          y2="1.5"
          stroke={style.colour}
          strokeWidth="2.5"
          {...(style.dash === undefined ? {} : { strokeDasharray: style.dash })}
        />
      </svg>
    </span>
  );
}
