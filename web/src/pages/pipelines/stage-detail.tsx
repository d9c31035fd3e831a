import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Box, FlaskConical, ScrollText, Waypoints } from 'lucide-react'
import type { ShownPipelineStage } from '#protocols/api/pipelines-wire'
import type { ShownRunStage } from '#protocols/api/run-requests-wire'
import { pipelineQuery, pipelineStageQuery } from '#web/api/pipelines.ts'
import { runQuery } from '#web/api/run.ts'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { Card, FactRow, Facts } from '#web/ui/card.tsx'
import { bytes, shortened } from '#web/ui/format.ts'
import { LINK, Trouble } from '#web/ui/page.tsx'
import { RunLink } from '#web/ui/run-link.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { Log } from './log.tsx'
import { Took } from './facts.tsx'
import { PipelineState } from './states.tsx'
import { StageTests } from './tests.tsx'

/** One stage of a run: why it ran, what it prints, tests, reads and makes. */
export function StageDetail({ run, stage }: { run: string; stage: ShownRunStage }) {
  const detail = useQuery(pipelineStageQuery(run, stage.stage, stage.state))
  const { data: pipeline } = useQuery(pipelineQuery(run))
  const project = pipeline?.project ?? ''
  return (
    <>
      <Card
        id="stage"
        title={`Stage ${stage.stage}`}
        Icon={Box}
        aside={<PipelineState state={stage.state} />}
      >
        {stage.reason === null || stage.reason === '' ? null : (
          <p className="text-sm wrap-anywhere text-ink-2">{stage.reason}</p>
        )}
        <Trouble error={detail.error} />
        <About stage={stage} />
      </Card>
      {stage.tests === null ? null : (
        <Card id="tests" title="Tests" Icon={FlaskConical}>
          <StageTests run={run} stage={stage.stage} counts={stage.tests} />
        </Card>
      )}
      {stage.pipelineRun === null || stage.run === null ? null : (
        <Card id="log" title="Log" Icon={ScrollText}>
          <Log key={stage.pipelineRun} pipelineRun={stage.pipelineRun} stage={stage.stage} />
        </Card>
      )}
      {detail.data === undefined ? null : (
        <Card id="files" title="Read and made" Icon={Waypoints}>
          <Files detail={detail.data} project={project} />
        </Card>
      )}
    </>
  )
}

/** What its MLflow run says of how and why it ran. */
function About({ stage }: { stage: ShownRunStage }) {
  const { data } = useQuery({ ...runQuery(stage.run ?? ''), enabled: stage.run !== null })
  const tags = new Map(data?.data.tags?.map(({ key, value }) => [key, value]))
  const why = tags.get('orrery.why')?.split('\n') ?? []
  const command = tags.get('mlflow.source.name')
  const hermetic = tags.get('orrery.hermetic')
  const undeclared = tags.get('orrery.undeclared')?.split('\n') ?? []
  return (
    <>
      {why.length === 0 ? null : (
        <section aria-label="Why it ran" className="flex flex-col gap-1 text-sm">
          <h3 className="text-xs font-medium text-ink-3">Why it ran</h3>
          <ul className="flex list-disc flex-col gap-0.5 pl-4">
            {why.map((words) => (
              <li key={words} className="wrap-anywhere">
                {words.slice(0, 1000)}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Facts>
        {command === undefined ? null : (
          <FactRow name="Command">
            <code className="line-clamp-3 text-xs">{command}</code>
          </FactRow>
        )}
        <FactRow name="Took">
          <Took run={stage} />
        </FactRow>
        {stage.run === null ? null : (
          <FactRow name="MLflow run">
            <RunLink run={stage.run} />
          </FactRow>
        )}
        {tags.get('orrery.environment') === undefined ? null : (
          <FactRow name="Environment">
            <code className="text-xs">{shortened(tags.get('orrery.environment') ?? '')}</code>{' '}
            <span className="text-ink-2">
              {environmentIn(tags.get('orrery.environment_record'))}
            </span>
          </FactRow>
        )}
        {hermetic === undefined ? null : (
          <FactRow name="Kept to what it declares">
            <Verdict said={hermetic} />
          </FactRow>
        )}
      </Facts>
      {undeclared.length === 0 ? null : (
        <ul className="flex list-disc flex-col gap-0.5 pl-4 text-sm text-ink-2">
          {undeclared.map((words) => (
            <li key={words} className="wrap-anywhere">
              {words}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Verdict({ said }: { said: string }) {
  if (said.endsWith(': clean')) return <StatePill state="good">{said}</StatePill>
  if (said.endsWith(': undeclared'))
    return <StatePill state={said.startsWith('strict') ? 'bad' : 'warning'}>{said}</StatePill>
  return <StatePill state="none">{said === 'off' ? 'not watched' : said}</StatePill>
}

/** What the record of an environment says in a line. */
function environmentIn(record: string | undefined): string {
  if (record === undefined) return ''
  try {
    const { python, kind, source, packages, os } = JSON.parse(record) as Record<string, unknown>
    const many = typeof packages === 'number' ? `${packages} packages` : undefined
    return [python, kind, source, many, os]
      .filter((each) => typeof each === 'string' && each !== '')
      .join(' · ')
  } catch {
    return ''
  }
}

const FILES_SHOWN = 200

function Files({ detail, project }: { detail: ShownPipelineStage; project: string }) {
  const files = [
    ...detail.outs.map((each) => ({ ...each, did: 'made' })),
    ...detail.deps.map((each) => ({ ...each, did: 'read' })),
  ]
  if (files.length === 0)
    return <p className="text-sm text-ink-2">Nothing is on record that it read or made.</p>
  return (
    <section
      aria-label="Files"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {['Path', 'Did', 'Version'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            <th scope="col" className={`${HEAD} text-right`}>
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {files.slice(0, FILES_SHOWN).map(({ did, path, md5, sizeBytes }) => (
            <tr key={`${did} ${path}`}>
              <td className={CELL}>
                {did === 'made' ? (
                  <Link
                    to="/data/$project/$path"
                    params={{ project, path }}
                    search={{ version: md5 }}
                    className={`${LINK} wrap-anywhere`}
                  >
                    {path}
                  </Link>
                ) : (
                  <span className="wrap-anywhere">{path}</span>
                )}
              </td>
              <td className={CELL}>{did}</td>
              <td className={`${CELL} font-mono text-xs text-ink-2`} title={md5}>
                {shortened(md5)}
              </td>
              <td className={NUMBER}>{bytes(sizeBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {files.length > FILES_SHOWN ? (
        <p className="pt-2 text-xs text-ink-3">and {files.length - FILES_SHOWN} more</p>
      ) : null}
    </section>
  )
}
