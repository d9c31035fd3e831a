import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { ArrowUpFromLine, ChartBarDecreasing, LogIn, LogOut, Terminal } from 'lucide-react'
import { endpointQuery } from '#web/api/endpoints.ts'
import {
  predictionQuery,
  predictionTraceQuery,
  type PredictionShown,
  type Which,
} from '#web/api/prediction.ts'
import { Card, FactRow, Facts } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'
import { duration, shellWord } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { Stations } from '#web/ui/stations.tsx'
import { Explanation } from './explanation.tsx'
import { said, ValueTable } from './values.tsx'
import type { PredictionView } from './view.ts'

/** One prediction: what was asked, what was said, what turned out to be true, and where it came from. */
export function PredictionPage() {
  const { prediction: id } = useParams({ from: '/predictions/$prediction' })
  const { endpoint }: PredictionView = useSearch({ from: '/predictions/$prediction' })
  const which: Which = { id, endpoint }
  const { data: prediction, error } = useQuery(predictionQuery(which))
  const isElsewhere = useElsewhere(prediction?.endpoint)
  const known = isElsewhere === undefined ? undefined : prediction
  return (
    <Page
      title={id}
      above={known === undefined ? undefined : <Above endpoint={known.endpoint} />}
      lead={
        known === undefined ? undefined : isElsewhere ? (
          <LeadElsewhere prediction={known} />
        ) : (
          <Lead prediction={known} />
        )
      }
    >
      <Trouble error={error} />
      {known === undefined ? (
        error === null ? (
          <Waiting>Asking the server…</Waiting>
        ) : null
      ) : (
        <>
          <div className="grid grid-cols-1 gap-5 lg:grid-cols-2">
            <Card id="inputs" title="Inputs" Icon={LogIn}>
              <ValueTable name="Inputs" values={known.inputs} />
            </Card>
            <div className="flex min-w-0 flex-col gap-5">
              <Card id="answer" title="Answer" Icon={LogOut}>
                <Answer prediction={known} />
              </Card>
              <Card id="explanation" title="Why it said so" Icon={ChartBarDecreasing}>
                {isElsewhere ? <NotFromHere /> : <Explanation prediction={known} />}
              </Card>
            </div>
          </div>
          <Card id="trace" title="Where it came from" Icon={ArrowUpFromLine}>
            <Trace which={which} />
          </Card>
          <Card id="command" title="The same by command" Icon={Terminal}>
            <Command text={traceOf(which)} />
          </Card>
        </>
      )}
    </Page>
  )
}

/** Whether another system answers at an endpoint; undefined until that is known. One that is gone was ours. */
function useElsewhere(endpoint: string | undefined): boolean | undefined {
  const { data, isPending } = useQuery({
    ...endpointQuery(endpoint ?? ''),
    enabled: endpoint !== undefined,
    refetchInterval: false,
  })
  return isPending ? undefined : data?.elsewhere === true
}

function traceOf({ id, endpoint }: Which): string {
  const at = endpoint === undefined ? '' : ` --endpoint ${shellWord(endpoint)}`
  return `orrery trace ${shellWord(id)}${at}`
}

function NotFromHere() {
  return (
    <p className="max-w-prose text-sm text-ink-2">
      Another system serves this model and only tells of its predictions, so that it cannot be asked
      from here. Ask that system; or register the model and serve it here as well, and ask it with
      these inputs.
    </p>
  )
}

function Above({ endpoint }: { endpoint: string }) {
  return (
    <Link to="/endpoints/$endpoint" params={{ endpoint }} data-up="" className={LINK}>
      {endpoint}
    </Link>
  )
}

function Lead({ prediction: { modelVersion, revision, at, latencyMs } }: Parts) {
  const slash = modelVersion.lastIndexOf('/')
  const model = modelVersion.slice(0, slash)
  return (
    <>
      <Link to="/models/$model" params={{ model }} search={{}} className={LINK}>
        {model} v{modelVersion.slice(slash + 1)}
      </Link>{' '}
      answered as revision {revision} on <Moment time={at} /> within {duration(latencyMs)}.
    </>
  )
}

/** What the other system calls its model leads nowhere here. */
function LeadElsewhere({ prediction: { modelVersion, at, latencyMs } }: Parts) {
  return (
    <>
      {modelVersion} answered in another system, on <Moment time={at} />
      {latencyMs > 0 ? ` within ${duration(latencyMs)}` : null}.
    </>
  )
}

interface Parts {
  readonly prediction: PredictionShown
}

function Answer({ prediction }: Parts) {
  const { outputs, truth, shadows, event, key } = prediction
  return (
    <>
      <ValueTable name="Outputs" values={outputs} />
      {shadows.map((shadow) => (
        <div key={shadow.revision} className="flex flex-col gap-1">
          <h3 className="text-xs font-medium text-ink-3">
            {shadow.modelVersion} would have said, as a shadow
          </h3>
          <ValueTable name={`Outputs of ${shadow.modelVersion}`} values={shadow.outputs} />
        </div>
      ))}
      <Facts>
        <FactRow name="Truth">
          {truth === null ? (
            'not known yet'
          ) : (
            <>
              {said(truth.label)}, told on <Moment time={truth.at} />
            </>
          )}
        </FactRow>
        <FactRow name="Time of the event">
          <Moment time={event} />
        </FactRow>
        {key === null ? null : <FactRow name="Key">{key}</FactRow>}
      </Facts>
    </>
  )
}

function Trace({ which }: { which: Which }) {
  const { data, error } = useQuery(predictionTraceQuery(which))
  if (error !== null) return <Trouble error={error} />
  return data === undefined ? null : <Stations chain={data.chain} isCut={data.cut} />
}
