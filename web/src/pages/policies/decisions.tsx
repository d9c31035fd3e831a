import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { DecisionShown } from '#protocols/api/policy-wire'
import { decisionsQuery, type PolicyName } from '#web/api/policies.ts'
import { spoken } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { LINK, Trouble, Waiting } from '#web/ui/page.tsx'
import { EntryLink } from '#web/ui/entry-link.tsx'
import { PipelineLink, pipelineRunOf, Standing } from './parts.tsx'
import { DECISION } from './words.ts'

/** What was decided, newest first, each in the sentence that the ledger has. */
export function Decisions({ of, names }: { of: Partial<PolicyName>; names: 'with' | 'without' }) {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    decisionsQuery(of),
  )
  const decisions = data?.pages.flatMap((page) => page.decisions)
  if (error !== null && decisions === undefined) return <Trouble error={error} />
  if (decisions === undefined) return <Waiting>Asking the server…</Waiting>
  return (
    <>
      {decisions.length === 0 ? (
        <p className="text-sm text-ink-2">Nothing was decided yet.</p>
      ) : (
        <ol aria-label="Decisions, newest first" className="flex flex-col">
          {decisions.map((decision) => (
            <Decided key={decision.position} decision={decision} names={names} />
          ))}
        </ol>
      )}
      {hasNextPage ? (
        <button
          type="button"
          className="button self-start"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Earlier decisions
        </button>
      ) : null}
    </>
  )
}

/** Facts that tell what was found at an endpoint. */
const FINDINGS: ReadonlySet<string> = new Set([
  'drift-detected',
  'performance-fell',
  'quality-broke',
  'estimate-fell',
  'slice-fell',
  'fairness-broke',
  'kpi-missed',
  'concept-drifted',
  'columns-came-apart',
  'endpoint-fell-silent',
])

function Decided({ decision, names }: { decision: DecisionShown; names: 'with' | 'without' }) {
  const { at, type, why, project, policy } = decision
  return (
    <li className="flex flex-col gap-x-3 gap-y-1 border-t border-line py-3 first:border-t-0 first:pt-0 last:pb-0 sm:flex-row">
      <div className="w-28 shrink-0">
        <Standing word={type} of={DECISION} />
      </div>
      <div className="flex min-w-0 flex-col gap-1 text-sm">
        <p className="wrap-anywhere">{why}</p>
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[0.8125rem] text-ink-3 [&_a]:inline-flex [&_a]:min-h-6 [&_a]:items-center">
          <Moment time={at} />
          {names === 'with' ? (
            <Link
              to="/policies/$project/$policy"
              params={{ project, policy }}
              search={{}}
              className={LINK}
            >
              {project}/{policy}
            </Link>
          ) : null}
          <Ways decision={decision} />
        </p>
      </div>
    </li>
  )
}

/** From a decision to what caused it and to what came of it. */
function Ways({
  decision: { type, cause, causeType, position, endpoint, run },
}: {
  decision: DecisionShown
}) {
  const isFinding = FINDINGS.has(causeType)
  // One that was cancelled while it waited asked for no run; one that had begun is told of by its own entry.
  const isGone = type === 'policy-queued' && run?.state === 'cancelled'
  const asked = run === null || isGone ? null : pipelineRunOf(run)
  return (
    <>
      {isFinding && endpoint !== null ? (
        <Link to="/" search={{ endpoint }} hash="monitors" className={LINK}>
          the finding at {endpoint}
        </Link>
      ) : null}
      {cause === null ? null : <EntryLink entry={cause}>{spoken(causeType)}</EntryLink>}
      <EntryLink entry={position}>entry {position}</EntryLink>
      {run === null || asked === null ? null : <PipelineLink run={asked}>the run</PipelineLink>}
      {run === null ? null : <Standing word={run.state} />}
      {run?.reason == null ? null : <span className="wrap-anywhere">{run.reason}</span>}
      {run?.modelVersion == null ? null : <Made modelVersion={run.modelVersion} />}
    </>
  )
}

function Made({ modelVersion }: { modelVersion: string }) {
  const [model = '', version = ''] = modelVersion.split('/')
  return (
    <Link to="/models/$model" params={{ model }} search={{}} className={LINK}>
      {model} v{version}
    </Link>
  )
}
