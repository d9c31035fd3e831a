import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { lineageQuery } from '#web/api/run.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { Trouble } from '#web/ui/page.tsx'
import { Stations } from '#web/ui/stations.tsx'
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
  return <Stations chain={chain} isCut={data.cut} />
}
