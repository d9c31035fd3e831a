import { Link } from '@tanstack/react-router'
import type { DataRunWire } from '#protocols/api/data-wire'
import { Command } from '#web/ui/command.tsx'
import { shortened, spoken } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'
import { RunLink } from '#web/ui/run-link.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'
import { CELL, HEAD } from '#web/ui/table.ts'

const OUTCOMES: Readonly<Record<string, readonly [State, string]>> = {
  passed: ['good', 'Passed'],
  warned: ['warning', 'Warned'],
  failed: ['bad', 'Failed'],
  skipped: ['none', 'Not held against them'],
}

const STATES: Readonly<Record<string, State>> = {
  succeeded: 'good',
  running: 'busy',
  failed: 'bad',
  killed: 'bad',
}

function Outcome({ outcome }: { outcome: string }) {
  const [state, words] = OUTCOMES[outcome] ?? (['none', outcome] as const)
  return <StatePill state={state}>{words}</StatePill>
}

/** What each contract last said of the dataset, and what it had said before. */
export function Contracts({
  runs,
  path,
}: {
  runs: readonly DataRunWire[] | undefined
  path: string
}) {
  const said = new Map<string, { outcome: string; run: DataRunWire }[]>()
  for (const run of runs ?? [])
    for (const { contract, outcome } of run.checks?.contracts ?? [])
      said.set(contract, [...(said.get(contract) ?? []), { outcome, run }])
  if (runs !== undefined && said.size === 0)
    return (
      <div className="flex max-w-prose flex-col gap-2 text-sm text-ink-2">
        <p>No contract was held against it in the runs below. One is proposed from the data by</p>
        <Command text={`orrery validate --infer ${path} -o contracts/data.odcs.yaml`} />
      </div>
    )
  return (
    <ul className="flex min-h-6 flex-col gap-3 text-sm">
      {[...said].map(([contract, verdicts]) => (
        <li key={contract} className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <code className="text-[0.8125rem] wrap-anywhere">{contract}</code>
          <Outcome outcome={verdicts[0]?.outcome ?? ''} />
          {verdicts[0] === undefined ? null : <Where run={verdicts[0].run} />}
          {verdicts.length < 2 ? null : (
            <span className="text-ink-3">
              before:{' '}
              {verdicts
                .slice(1, 6)
                .map(({ outcome }) => outcome)
                .join(', ')}
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}

function Where({ run }: { run: DataRunWire }) {
  return (
    <span className="text-ink-2">
      before{' '}
      <Link to="/runs/$run" params={{ run: run.run }} search={{}} className={LINK}>
        {run.stage ?? 'a run'}
      </Link>
      , <code className="text-xs">{shortened(run.version)}</code>
      {run.started === null ? null : (
        <>
          , <Ago time={run.started} />
        </>
      )}
    </span>
  )
}

const HEADS = ['Stage', 'Did', 'Version', 'Run', 'Pipeline run', 'State', 'Contracts', 'When']

/** The stages and runs that read or made it, by lineage. */
export function DatasetRuns({ runs }: { runs: readonly DataRunWire[] | undefined }) {
  if (runs?.length === 0)
    return (
      <p className="text-sm text-ink-2">
        No run is on record that read or made it. Stages that run with “orrery repro” are.
      </p>
    )
  return (
    <section
      aria-label="Runs, newest first"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {HEADS.map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs?.map((run) => (
            <tr key={`${run.position} ${run.version} ${run.relation}`}>
              <th scope="row" className={`${CELL} text-left font-medium`}>
                {run.stage ?? '–'}
                {run.reason === null ? null : (
                  <p className="max-w-72 text-xs font-normal wrap-anywhere text-ink-3">
                    {run.reason}
                  </p>
                )}
              </th>
              <td className={CELL}>{run.relation}</td>
              <td className={`${CELL} font-mono text-xs`} title={run.version}>
                {shortened(run.version)}
              </td>
              <td className={CELL}>
                <RunLink run={run.run} />
              </td>
              <td className={`${CELL} font-mono text-xs text-ink-2`}>
                <PipelineRun run={run} />
              </td>
              <td className={CELL}>
                {run.state === null ? (
                  '–'
                ) : (
                  <StatePill state={STATES[run.state] ?? 'none'}>{spoken(run.state)}</StatePill>
                )}
              </td>
              <td className={CELL}>
                {run.checks === null ? '–' : <Outcome outcome={run.checks.outcome} />}
              </td>
              <td className={`${CELL} whitespace-nowrap text-ink-3`}>
                {run.started === null ? '–' : <Ago time={run.started} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function PipelineRun({ run: { pipelineRun, stage } }: { run: DataRunWire }) {
  if (pipelineRun === null) return '–'
  return (
    <Link
      to="/pipelines/$run"
      params={{ run: pipelineRun }}
      search={stage === null ? {} : { stage }}
      title={pipelineRun}
      className={LINK}
    >
      {shortened(pipelineRun, 12)}
    </Link>
  )
}
