/** The beginning of a text on one line, cut where its place ends; more of it in the title. */
import classes from './virtual-table.module.css';

export function Excerpt({ text }: { readonly text: string }) {
  return (
    <span className={classes.excerpt} title={text} data-excerpt>
      {text}
    </span>
  );
}
