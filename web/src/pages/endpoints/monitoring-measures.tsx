import type { ReactNode } from 'react'
import type { WindowShown } from '#protocols/api/monitoring-wire'
import { Section } from '#web/ui/card.tsx'
import { count, percent } from '#web/ui/format.ts'
import { StatePill } from '#web/ui/state.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { digits, withInterval } from './monitoring-words.ts'

type Limits = readonly {
  readonly metric: string
  readonly min?: number
  readonly max?: number
  readonly breach: string
  readonly of: string | null
}[]

/** Each metric by truths, and estimated where there is an estimate. */
export function Performance({ window: { performance, estimate } }: { window: WindowShown }) {
  const measured = performance?.state === 'measured' ? performance : null
  const estimated = estimate?.state === 'estimated' ? estimate : null
  if (measured === null && estimated === null) return null
  const names = [
    ...new Set([
      ...(measured === null ? [] : [measured.main, ...Object.keys(measured.metrics)]),
      ...(estimated?.estimates ?? []).map(({ metric }) => metric),
    ]),
  ]
  return (
    <Section id="metrics" title="Performance">
      <p className="text-[0.8125rem] text-ink-2">
        {measured === null
          ? 'No truth has come yet.'
          : `${measured.task}, for ${measured.because}; ${count(measured.labels)} truths.`}{' '}
        {estimated === null
          ? ''
          : `Estimated by ${estimated.method.toUpperCase()}, learnt from ${count(estimated.fittedOn.rows)} labelled predictions.`}
      </p>
      <Table
        name="Metrics"
        heads={['Metric', 'By truths', 'Estimated', 'Estimate against truth', 'Limit']}
      >
        {names.map((name) => {
          const guess = estimated?.estimates.find(({ metric }) => metric === name)
          const truth = measured?.metrics[name]
          const scored = estimated?.scored?.metrics[name]
          return (
            <tr key={name}>
              <th scope="row" className={`${CELL} text-left font-normal`}>
                {name}
              </th>
              <td className={NUMBER}>{truth === undefined ? '–' : withInterval(truth)}</td>
              <td className={`${NUMBER} italic`}>
                {guess === undefined ? '–' : withInterval(guess)}
              </td>
              <td className={NUMBER}>
                {scored === undefined
                  ? '–'
                  : `off by ${digits(scored.error)}, ${scored.within ? 'within' : 'outside of'} its interval`}
              </td>
              <td className={CELL}>
                <LimitOf limits={measured?.limits ?? []} metric={name} />
              </td>
            </tr>
          )
        })}
      </Table>
    </Section>
  )
}

function LimitOf({ limits, metric }: { limits: Limits; metric: string }) {
  const limit = limits.find((each) => each.metric === metric && each.of === null)
  if (limit === undefined) return <>–</>
  const { min, max, breach } = limit
  const words = [
    ...(min === undefined ? [] : [`at least ${digits(min)}`]),
    ...(max === undefined ? [] : [`at most ${digits(max)}`]),
  ].join(', ')
  const state = { no: 'good', yes: 'warning', certainly: 'bad' }[breach] ?? 'none'
  return <StatePill state={state as 'good' | 'warning' | 'bad' | 'none'}>{words}</StatePill>
}

/** Rows that are answered worse than others: those found, and those that were asked for. */
export function Slices({ window: { slices, performance } }: { window: WindowShown }) {
  const found = slices?.state === 'searched' ? slices : null
  const asked = performance?.state === 'measured' ? performance : null
  const hasAsked = asked !== null && asked.slices.length > 0
  if (found === null && !hasAsked) return null
  return (
    <Section id="slices" title="Slices">
      {found === null ? null : found.slices.length === 0 ? (
        <p className="text-[0.8125rem] text-ink-2">
          None of {count(found.tested)} slices is answered worse than the rest beyond chance.
        </p>
      ) : (
        <Table
          name="Slices that were found"
          heads={['Found', 'Rows', found.loss, 'Elsewhere', 'p']}
        >
          {found.slices.map(({ name, rows, share, loss, elsewhere, p }) => (
            <tr key={name}>
              <th scope="row" className={`${CELL} min-w-28 text-left font-normal wrap-anywhere`}>
                {name}
              </th>
              <td className={NUMBER}>
                {count(rows)} ({percent(share)})
              </td>
              <td className={NUMBER}>{digits(loss)}</td>
              <td className={NUMBER}>{digits(elsewhere)}</td>
              <td className={NUMBER}>{digits(p)}</td>
            </tr>
          ))}
        </Table>
      )}
      {hasAsked
        ? asked.slices.map(({ by, slices: each, left }) => (
            <Table
              key={by}
              name={`${asked.main} by ${by}`}
              heads={[by, 'Truths', asked.main]}
              note={left === 0 ? '' : `${count(left)} more values are not looked at.`}
            >
              {each.map(({ value, labels, metrics }) => {
                const metric = metrics?.[asked.main]
                return (
                  <tr key={value}>
                    <th
                      scope="row"
                      className={`${CELL} min-w-28 text-left font-normal wrap-anywhere`}
                    >
                      {value}
                    </th>
                    <td className={NUMBER}>{count(labels)}</td>
                    <td className={NUMBER}>
                      {metric === undefined ? 'too few' : withInterval(metric)}
                    </td>
                  </tr>
                )
              })}
            </Table>
          ))
        : null}
    </Section>
  )
}

const GROUP_METRICS = 4

/** How groups are treated: what differs between them, and each group's own numbers. */
export function Fairness({ window: { fairness } }: { window: WindowShown }) {
  if (fairness?.state !== 'measured') return null
  return (
    <Section id="fairness" title="Fairness">
      {fairness.columns.map(({ by, groups, suppressed, metrics }) => {
        const names = Object.keys(groups[0]?.metrics ?? {}).slice(0, GROUP_METRICS)
        return (
          <div key={by} className="flex flex-col gap-3">
            <ul className="flex flex-wrap gap-x-4 gap-y-1 text-[0.8125rem]">
              {Object.entries(metrics).map(([metric, value]) => (
                <li key={metric} className="flex flex-wrap items-center gap-x-2">
                  <span className="text-ink-3">{metric.replaceAll('_', ' ')}</span>
                  <span className="tabular-nums">{withInterval(value)}</span>
                  {fairness.limits.some((limit) => limit.metric === metric) ? (
                    <LimitOf limits={limitsOf(fairness.limits)} metric={metric} />
                  ) : null}
                </li>
              ))}
            </ul>
            <Table
              name={`Groups by ${by}`}
              heads={[by, 'Rows', ...names.map((name) => name.replaceAll('_', ' '))]}
              note={
                suppressed.groups === 0
                  ? ''
                  : `${count(suppressed.groups)} smaller groups with ${count(suppressed.rows)} rows are not told of.`
              }
            >
              {groups.map(({ group, rows, metrics: own }) => (
                <tr key={group}>
                  <th
                    scope="row"
                    className={`${CELL} min-w-28 text-left font-normal wrap-anywhere`}
                  >
                    {group}
                  </th>
                  <td className={NUMBER}>{count(rows)}</td>
                  {names.map((name) => (
                    <td key={name} className={NUMBER}>
                      {own[name] === undefined ? '–' : withInterval(own[name])}
                    </td>
                  ))}
                </tr>
              ))}
            </Table>
          </div>
        )
      })}
    </Section>
  )
}

/** Limits between groups are of a column; here that is said above them. */
function limitsOf(limits: Limits): Limits {
  return limits.map(({ metric, min, max, breach }) => ({
    metric,
    breach,
    of: null,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  }))
}

/** What the window was worth. */
export function Kpis({ window: { kpis } }: { window: WindowShown }) {
  if (kpis === undefined || kpis.kpis.length === 0) return null
  return (
    <Section id="kpis" title="KPIs">
      <Table name="KPIs of the window" heads={['KPI', 'Mean of a row', 'In all', 'Rows', 'Limit']}>
        {kpis.kpis.map((kpi) => (
          <tr key={kpi.name}>
            <th scope="row" className={`${CELL} min-w-28 text-left font-normal wrap-anywhere`}>
              {kpi.name}
              {kpi.unit === null ? '' : ` in ${kpi.unit}`}
              {kpi.note === undefined ? null : <span className="text-ink-3"> ({kpi.note})</span>}
            </th>
            <td className={NUMBER}>{withInterval(kpi)}</td>
            <td className={NUMBER}>{digits(kpi.total)}</td>
            <td className={NUMBER}>{count(kpi.rows)}</td>
            <td className={CELL}>
              <LimitOf limits={kpis.limits} metric={kpi.name} />
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  )
}

function Table({
  name,
  heads,
  note = '',
  children,
}: {
  name: string
  heads: readonly string[]
  note?: string
  children: ReactNode
}) {
  return (
    <>
      <section
        aria-label={name}
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="max-h-96 overflow-auto"
      >
        <table className="w-full text-[0.8125rem]">
          <thead>
            <tr>
              {heads.map((head, at) => (
                <th
                  key={head}
                  scope="col"
                  className={at === 0 || head === 'Limit' ? HEAD : `${HEAD} text-right`}
                >
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </section>
      {note === '' ? null : <p className="text-xs text-ink-3">{note}</p>}
    </>
  )
}
