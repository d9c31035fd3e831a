import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { lineageQuery, type WalkWire } from '#web/api/run.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { moment, spoken } from '#web/ui/format.ts'
import { LINK, Trouble } from '#web/ui/page.tsx'
import { ArrowDownToLine, ArrowUpFromLine } from 'lucide-react'

/** What the run came from, and what came of it, as the ledger tells. */
export function Lineage({ runId }: { runId: string }) {
  return (
    <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
      <Card id="causes" title="What it came from" Icon={ArrowUpFromLine}>
        <Walk
          runId={runId}
          direction="back"
          none={
            <Empty
              why="The ledger knows nothing that it came from. Runs of a pipeline name their data, code and environment:"
              commands={['orrery repro']}
            />
          }
        />
      </Card>
      <Card id="effects" title="What came of it" Icon={ArrowDownToLine}>
        <Walk
          runId={runId}
          direction="forward"
          none={
            <Empty
              why="Nothing has come of it yet. A registered model would be the first:"
              commands={[`mlflow.register_model("runs:/${runId}/model", "NAME")`]}
            />
          }
        />
      </Card>
    </div>
  )
}

function Walk({
  runId,
  direction,
  none,
}: {
  runId: string
  direction: 'back' | 'forward'
  none: ReactNode
}) {
  const { data, error } = useQuery(lineageQuery(runId, direction))
  if (error !== null) return <Trouble error={error} />
  if (data === undefined) return null
  const chain = data.chain
    .filter(({ depth }) => depth > 0)
    .toSorted((one, other) => one.depth - other.depth)
  if (chain.length === 0) return none
  return (
    <>
      <ol className="flex flex-col text-sm">
        {chain.map((station) => (
          <li
            key={`${station.kind} ${station.id}`}
            className="flex flex-wrap items-baseline gap-x-3 border-t border-line py-1.5 first:border-t-0"
          >
            <span className="w-32 shrink-0 text-xs text-ink-3">{spoken(station.kind)}</span>
            <Name {...station} />
            {station.purged === undefined ? null : (
              <span className="text-xs text-ink-3">
                purged {moment(station.purged.at)} by {station.purged.by}
              </span>
            )}
          </li>
        ))}
      </ol>
      {data.cut ? <p className="text-xs text-ink-3">There is more than is shown here.</p> : null}
    </>
  )
}

/** A thing by its name, with the way to its page where it has one. */
function Name({ kind, id }: WalkWire['chain'][number]) {
  const look = `${LINK} min-w-0 wrap-anywhere`
  if (kind === 'run')
    return (
      <Link data-row="" to="/runs/$run" params={{ run: id }} search={{}} className={look}>
        {id.slice(0, 12)}
      </Link>
    )
  if (kind === 'model-version') {
    const slash = id.lastIndexOf('/')
    return (
      <Link
        data-row=""
        to="/models/$model"
        params={{ model: id.slice(0, slash) }}
        search={{}}
        className={look}
      >
        {id.slice(0, slash)} v{id.slice(slash + 1)}
      </Link>
    )
  }
  return <code className="min-w-0 text-xs wrap-anywhere">{id}</code>
}
