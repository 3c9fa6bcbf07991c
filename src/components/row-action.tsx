/** The small button at the end of a table's row. */
import classes from './virtual-table.module.css';

interface Props {
  /** In full, with the row it belongs to: every row has the same word on its button. */
  readonly label: string;
  readonly onClick: () => void;
  readonly children: string;
}

export function RowAction({ label, onClick, children }: Props) {
  return (
    <button type="button" className={classes.action} aria-label={label} onClick={onClick}>
      {children}
    </button>
  );
}
