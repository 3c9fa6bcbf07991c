/** The beginning of a text on one line, cut where its place ends; more of it in the title. */
import classes from './virtual-table.module.css';

/** @param title what the text begins, where it is more than the text. */
export function Excerpt({ text, title = text }: { readonly text: string; readonly title?: string }) {
  return (
    <span className={classes.excerpt} title={title} data-excerpt>
      {text}
    </span>
  );
}
