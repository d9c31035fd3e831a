import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createExplanations, type Explain, type ExplanationRequest } from '#explanations'
import { invariant } from '#base/invariant'
import type { EndpointTable, LocalPlane } from '#inference'
import { EXAMPLE_FILE, exampleIn } from '#protocols/mlflow/input-example'
import type { ExampleRows } from '#registry'
import { readTrees } from '#runtimes/onnx/trees'

/** Explanations as they are asked for over a channel, which carries no signals. */
export type ChannelExplain = {
  /** The caller names the work, to be able to cancel it. */
  explain(
    name: string,
    endpoint: string,
    request: Omit<ExplanationRequest, 'signal'>,
  ): ReturnType<Explain['explain']>
  cancelExplanation(name: string): void
}

/** Reading more would keep predictions waiting. */
const EXAMPLE_BYTES_MAX = 4 * 1024 * 1024

/** Explains what the plane's endpoints answer, by models that it scores apart from their traffic. */
export function planeExplanations(
  plane: Pick<LocalPlane, 'charge' | 'describe' | 'score'>,
  tables: ReadonlyMap<string, EndpointTable>,
): Explain {
  return createExplanations({
    charge: plane.charge,
    locate: async (endpoint, pin) => {
      const { revision, shape } = await plane.describe(endpoint, pin)
      const placed = tables
        .get(endpoint)
        ?.revisions.find((each) => each.revision.number === revision.number)
      invariant(placed !== undefined, 'what answers at an endpoint is in its table')
      return { revision, shape, placed }
    },
    score: (placed, rows) => plane.score(placed, rows),
    readExample: async ({ path, runs }) => loggedExample(runs === 'python' ? path : dirname(path)),
    readTrees: async ({ path }) => readTrees(path),
  })
}

/** The example that was logged with the model in a folder. */
async function loggedExample(folder: string): Promise<ExampleRows | null> {
  const file = join(folder, EXAMPLE_FILE)
  if (!existsSync(file) || (await stat(file)).size > EXAMPLE_BYTES_MAX) return null
  return exampleIn(await readFile(file, 'utf8'))
}

export function channelExplain(explanations: () => Explain): ChannelExplain {
  const underWay = new Map<string, AbortController>()
  return {
    explain: async (name, endpoint, request) => {
      const cancel = new AbortController()
      underWay.set(name, cancel)
      try {
        return await explanations().explain(endpoint, { ...request, signal: cancel.signal })
      } finally {
        underWay.delete(name)
      }
    },
    cancelExplanation: (name) => underWay.get(name)?.abort(),
  }
}

/** The other end: a signal becomes a call. */
export function explainOver(
  far: {
    explain: ChannelExplain['explain']
    cancelExplanation(name: string): Promise<void>
  },
  name: string,
): Explain {
  return {
    explain: async (endpoint, { signal, ...request }) => {
      const done = new AbortController()
      signal?.addEventListener(
        'abort',
        () => void far.cancelExplanation(name).catch(() => undefined),
        { once: true, signal: done.signal },
      )
      try {
        return await far.explain(name, endpoint, request)
      } finally {
        done.abort()
      }
    },
  }
}
