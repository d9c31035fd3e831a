import type { PersistentClient } from './client.ts'

const MLFLOW = '/api/2.0/mlflow'

interface RunWire {
  run: {
    info: { run_id: string }
    data: { params?: Pair[]; metrics?: { key: string; value: number }[]; tags?: Pair[] }
  }
}
interface Pair {
  readonly key: string
  readonly value: string
}
interface Book {
  readonly run: string
  readonly params: Pair[]
  readonly points: number[]
}

function has(pairs: readonly Pair[] | undefined, pair: Pair): boolean {
  return pairs?.some(({ key, value }) => key === pair.key && value === pair.value) === true
}

/** Writes runs and versions through the balancer, and after each write looks at another server whether it is there. */
export function fleetWriter(
  name: string,
  client: PersistentClient,
  servers: readonly PersistentClient[],
) {
  const books: Book[] = []
  const versions: number[] = []
  const wrong: string[] = []
  let turn = 0

  /** A server that is down is not asked; what one says that is up must be right. */
  const seen = async (run: string): Promise<RunWire['run'] | undefined> => {
    const server = servers[turn++ % servers.length]
    const answer = await server
      ?.once('GET', `${MLFLOW}/runs/get?run_id=${run}`)
      .catch(() => undefined)
    return answer?.status === 200 ? (answer.body as RunWire).run : undefined
  }
  const step = async (book: Book, n: number) => {
    const param = { key: `${name}-${n}`, value: String(n) }
    await client.send('POST', `${MLFLOW}/runs/log-parameter`, { run_id: book.run, ...param })
    book.params.push(param)
    const metric = { key: 'loss', value: n, step: n, timestamp: 1000 + n }
    await client.send('POST', `${MLFLOW}/runs/log-metric`, { run_id: book.run, ...metric })
    book.points.push(n)
    const tag = { key: 'last', value: String(n) }
    await client.send('POST', `${MLFLOW}/runs/set-tag`, { run_id: book.run, ...tag })
    const run = await seen(book.run)
    if (run === undefined) return
    if (!has(run.data.params, param)) wrong.push(`${book.run}: ${param.key} is not there yet`)
    if (!has(run.data.tags, tag)) wrong.push(`${book.run}: the tag is not ${n} yet`)
    if (run.data.metrics?.[0]?.value !== n) wrong.push(`${book.run}: the metric is not ${n} yet`)
  }

  return {
    versions,
    write: async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        const { run } = (await client.send('POST', `${MLFLOW}/runs/create`, {
          experiment_id: '0',
          start_time: 1000,
        })) as RunWire
        const book: Book = { run: run.info.run_id, params: [], points: [] }
        books.push(book)
        for (let n = 0; n < 8 && !signal.aborted; n++) await step(book, n)
        const { model_version: made } = (await client.send(
          'POST',
          `${MLFLOW}/model-versions/create`,
          { name: 'shared', source: 's3://elsewhere/model', run_id: book.run },
        )) as { model_version: { version: string } }
        versions.push(Number(made.version))
      }
    },
    /** What is not as it was promised, in words. */
    review: async (server: PersistentClient | undefined): Promise<string[]> => {
      for (const { run, params, points } of books) {
        const kept = (await server?.send('GET', `${MLFLOW}/runs/get?run_id=${run}`)) as RunWire
        const found = new Map(kept.run.data.params?.map(({ key, value }) => [key, value]))
        for (const { key, value } of params)
          if (found.get(key) !== value) wrong.push(`${run}: ${key} is lost`)
        const history = (await server?.send(
          'GET',
          `${MLFLOW}/metrics/get-history?run_id=${run}&metric_key=loss&max_results=1000`,
        )) as { metrics?: { step: number | string }[] }
        const steps = history.metrics?.map(({ step: at }) => Number(at)) ?? []
        if (steps.join() !== points.join())
          wrong.push(`${run}: ${steps.join()} for ${points.join()}`)
      }
      return wrong
    },
  }
}
