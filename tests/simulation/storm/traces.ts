import type { Chance } from '../../support/random.ts'
import { sure, type Client } from '../kill/client.ts'
import { newBook, type Workload } from '../kill/workload.ts'

const SPANS = 3

interface TracesPage {
  readonly traces?: readonly { readonly trace_id: string }[]
  readonly next_page_token?: string
}

/** An application that sends the spans of its calls. */
export function tracesWorkload(chance: Chance): Workload {
  const traces = newBook<string, string>()
  let fresh: string[] = []
  return {
    name: 'traces',
    prepare: async () => {},
    write: async (client, signal) => {
      fresh = []
      while (!signal.aborted) {
        const id = Array.from({ length: 32 }, () => chance.between(0, 16).toString(16)).join('')
        const { answered } = await client.post('/v1/traces', spansOf(id), {
          'x-mlflow-experiment-id': '0',
        })
        traces.enter(`tr-${id}`, 'there', answered)
        fresh.push(`tr-${id}`)
        if (!answered) return
      }
    },
    settle: async (client) => {
      const there = new Set(await tracesIn(client, fresh.length + 10))
      const wrong: string[] = []
      for (const id of fresh.filter((each) => there.has(each))) {
        const asked = `trace_id=${id}&allow_partial=true`
        const answer = await client.get<{ trace: { spans?: unknown[] } }>(
          `/api/3.0/mlflow/traces/get?${asked}`,
        )
        const { length } = sure(answer).trace.spans ?? []
        if (length !== SPANS) wrong.push(`trace ${id} has ${length} spans of ${SPANS}`)
      }
      return wrong
    },
    review: async (client) =>
      traces.differences(
        'trace',
        (await tracesIn(client, Infinity)).map((id) => [id, 'there']),
      ),
    counts: () => ({ traces: traces.sure() }),
  }
}

function spansOf(traceId: string) {
  const spans = Array.from({ length: SPANS }, (_, at) => ({
    traceId,
    spanId: String(at + 1).padStart(16, '0'),
    ...(at === 0 ? {} : { parentSpanId: '1'.padStart(16, '0') }),
    name: `span ${at}`,
    startTimeUnixNano: '1750000000000000000',
    endTimeUnixNano: '1750000001000000000',
  }))
  return { resourceSpans: [{ scopeSpans: [{ spans }] }] }
}

/** So many traces, or a few more. */
async function tracesIn(client: Client, most: number): Promise<string[]> {
  const found: string[] = []
  let token = ''
  do {
    const page = sure(
      await client.post<TracesPage>('/api/3.0/mlflow/traces/search', {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }],
        max_results: 500,
        page_token: token,
      }),
    )
    found.push(...(page.traces ?? []).map(({ trace_id: id }) => id))
    token = page.next_page_token ?? ''
  } while (token !== '' && found.length < most)
  return found
}
