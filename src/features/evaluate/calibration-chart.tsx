/** Whether the Bradley-Terry probability of a margin is what comes true: confidence against accuracy, bin by bin. */
import { ChartFrame } from '@/components/chart-frame.tsx';
import { LineChart, type LineSeries } from '@/components/line-chart.tsx';
import { formatPercent, formatSignificant } from '@/components/number-format.ts';
import { seriesStyle } from '@/components/objective-language.ts';
import type { Calibration } from '@/core/calibration.ts';
import type { Reports } from './use-report.ts';

const IDEAL = { ...seriesStyle(1), colour: 'var(--line-strong)', dash: '4 3' };
const X = {
  label: 'probability the model gives the response it prefers',
  format: formatPercent,
  domain: [0.5, 1],
} as const;
const Y = { label: 'share in which that response was the chosen one', format: formatPercent, domain: [0, 1] } as const;

export function CalibrationChart({ reports: { report } }: { readonly reports: Reports }) {
  const { calibration } = report;
  const bins = calibration.bins.filter(({ comparisons }) => comparisons > 0);
  const series: readonly LineSeries[] = [
    {
      name: 'what comes true',
      style: seriesStyle(0),
      dots: true,
      points: bins.map(({ meanConfidence, accuracy, interval }) => ({
        x: meanConfidence,
        y: accuracy,
        low: interval.low,
        high: interval.high,
      })),
    },
    {
      name: 'perfect',
      style: IDEAL,
      points: [
        { x: 0.5, y: 0.5 },
        { x: 1, y: 1 },
      ],
    },
  ];
  return (
    <ChartFrame
      title="Calibration"
      fileName="calibration"
      headingLevel={2}
      summary={calibrationWords(calibration)}
      note="The probability is σ(margin), as Bradley and Terry have it; ties count as half right."
      legend={series.map(({ name, style }) => ({ label: name, colour: style.colour, dash: style.dash }))}
      table={() => ({
        columns: [
          { label: 'Confidence from', format: formatPercent },
          { label: 'to', format: formatPercent },
          { label: 'Comparisons', format: String },
          { label: 'Mean confidence', format: formatPercent },
          { label: 'Accuracy', format: formatPercent },
          { label: 'Interval from', format: formatPercent },
          { label: 'Interval to', format: formatPercent },
        ],
        rows: calibration.bins.map(({ low, high, comparisons, meanConfidence, accuracy, interval }) => [
          low,
          high,
          comparisons,
          meanConfidence,
          accuracy,
          interval.low,
          interval.high,
        ]),
      })}
    >
      <LineChart series={series} xAxis={X} yAxis={Y} />
    </ChartFrame>
  );
}

/** The figures, and what the fitted scale says in words. */
export function calibrationWords({ ece, brier, logLoss, fittedScale }: Calibration): string {
  const figures = `Off by ${formatPercent(ece)} on average (expected calibration error); Brier score ${formatSignificant(brier, 3)}, log loss ${formatSignificant(logLoss, 3)}.`;
  if (!Number.isFinite(fittedScale)) return figures;
  const scale = `margins fit best when multiplied by ${formatSignificant(fittedScale, 3)}`;
  if (fittedScale < 0) return `${figures} The order is the wrong way round: ${scale}.`;
  return `${figures} The model is ${fittedScale < 1 ? 'surer' : 'less sure'} than it is right: ${scale}.`;
}
