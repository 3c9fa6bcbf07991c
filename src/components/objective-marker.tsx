/** The marker and label of an objective, alike in every view. */
import { useExplainObjective } from './explain-objective.ts';
import { groupStyle, markerPath, splitObjectiveName, type NamedObjective } from './objective-language.ts';
import classes from './objective-marker.module.css';

/** The group's shape in the group's colour. The group's name is written or spoken by whoever shows the marker. */
export function GroupMarker({ group, size = 9 }: { readonly group: string; readonly size?: number }) {
  const style = groupStyle(group);
  const box = size + 2;
  return (
    <svg
      className={classes.marker}
      width={box}
      height={box}
      viewBox={`${-box / 2} ${-box / 2} ${box} ${box}`}
      aria-hidden="true"
      focusable="false"
    >
      <path d={markerPath(style.shape, size)} fill={style.colour} fillRule="evenodd" />
    </svg>
  );
}

/**
 * The whole name, its source muted; breaks at hyphens and underscores so that no column cuts it off. Where a view explains
 * objectives (`explain-objective.ts`), it is a button that does.
 */
export function ObjectiveName({ objective }: { readonly objective: NamedObjective }) {
  const explain = useExplainObjective();
  const [prefix, rest] = splitObjectiveName(objective.name);
  const text = (
    <>
      <span className={classes.prefix}>{prefix}</span>
      {prefix === '' ? null : <wbr />}
      {breakable(rest)}
    </>
  );
  return (
    <span className={classes.name}>
      <GroupMarker group={objective.group} />
      {explain === undefined ? (
        <span>{text}</span>
      ) : (
        <button
          type="button"
          className={classes.explain}
          aria-haspopup="dialog"
          title="What this objective is"
          onClick={() => explain(objective.name)}
        >
          {text}
        </button>
      )}
    </span>
  );
}

function breakable(text: string) {
  // A word break opportunity after each separator; the text itself stays what it is.
  return text.split(/(?<=[-_])/).map((part, index) => (
    // Parts of one constant name never change places.
    // oxlint-disable-next-line react/no-array-index-key
    <span key={index}>
      {part}
      <wbr />
    </span>
  ));
}

/** Which marker belongs to which group, for charts. */
export function GroupLegend({ groups }: { readonly groups: readonly string[] }) {
  return (
    <ul className={classes.legend} aria-label="Groups of objectives">
      {groups.map((group) => (
        <li key={group}>
          <GroupMarker group={group} /> {groupStyle(group).label}
        </li>
      ))}
    </ul>
  );
}
