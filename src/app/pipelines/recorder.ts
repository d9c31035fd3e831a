import { setTimeout as sleep } from 'node:timers/promises'
import { randomIds, type Ids } from '#base/ids'
import { systemClock, type Clock } from '#base/clock'
import { messageOf, Problem, type ProblemCode } from '#base/problem'
import type { RunRecorder } from '#stages'
import { withoutCredentials } from '#base/credentials'
import { logSender } from './log-sender.ts'
import { sendFiles } from './run-files.ts'

/** A server may be restarting: it is asked again for this long. */
const PATIENCE_MS = 60_000
/** Nothing has run yet when the first word is sent: whoever named a wrong server hears it soon. */
const START_PATIENCE_MS = 3000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const ANSWER_MS = 30_000
/** What a stage prints is not worth waiting for as long as what became of it. */
const LOG_PATIENCE_MS = 10_000

/** Records runs on a server, over its REST API. Told twice, the server keeps one. */
export function httpRecorder(
  baseUrl: string,
  dependencies: {
    clock: Clock
    ids: Ids
    patienceMs?: number
    cause?: string
    /** Once it is aborted, the server is not waited for: it will not come back for this run. */
    signal?: AbortSignal
  } = {
    clock: systemClock,
    ids: randomIds,
  },
): RunRecorder {
  const post = poster(baseUrl, dependencies)
  const { cause } = dependencies
  const logs = logSender((path, body) => post(`${path}/log`, body, LOG_PATIENCE_MS))
  return {
    pipelineStarted: (start) =>
      post(
        '/pipeline-runs',
        {
          id: dependencies.ids.ulid(),
          ...start,
          ...(cause === undefined ? {} : { cause }),
        },
        START_PATIENCE_MS,
      ),
    stageStarted: ({ pipelineRunId, ...start }) => post(`${at(pipelineRunId)}/stages`, start),
    stageSaid: ({ pipelineRunId, stage, text }) => logs.add(at(pipelineRunId, stage), text),
    stageDrew: ({ runId, files }) =>
      sendFiles(baseUrl, { runId, files }, dependencies.signal ?? new AbortController().signal),
    // What names the stage's run stands in the path already.
    stageFinished: async ({ pipelineRunId, stage, runId: _run, logTail, ...end }) => {
      await logs.end(at(pipelineRunId, stage))
      await post(`${at(pipelineRunId, stage)}/finish`, {
        ...end,
        logTail: withoutCredentials(logTail),
      })
    },
    stageSkipped: async ({ pipelineRunId, stage, ...skip }) => {
      await post(`${at(pipelineRunId, stage)}/skip`, skip)
    },
    pipelineFinished: async ({ pipelineRunId, ...end }) => {
      await post(`${at(pipelineRunId)}/finish`, end)
    },
  }
}

function at(pipelineRunId: string, stage?: string): string {
  const run = `/pipeline-runs/${encodeURIComponent(pipelineRunId)}`
  return stage === undefined ? run : `${run}/stages/${encodeURIComponent(stage)}`
}

type Answer<T> = { readonly ok: T } | { readonly again: string }

function poster(
  baseUrl: string,
  {
    clock,
    patienceMs = PATIENCE_MS,
    signal = new AbortController().signal,
  }: { clock: Clock; patienceMs?: number; signal?: AbortSignal },
) {
  const url = `${baseUrl.replace(/\/+$/, '')}/api/v1`
  return async <T>(path: string, body: unknown, mostMs = patienceMs): Promise<T> => {
    const waitMs = Math.min(mostMs, patienceMs)
    const untilMs = clock.nowMs() + waitMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const answer = await once<T>(url + path, body, signal)
      if ('ok' in answer) return answer.ok
      if (signal.aborted || clock.nowMs() + pauseMs > untilMs)
        throw new Problem(
          'unavailable',
          `the server at ${baseUrl} could not record the run for ${Math.round(waitMs / 1000)} s (${answer.again}); start it (orrery up), or use --no-record`,
        )
      await sleep(pauseMs, undefined, { signal })
    }
  }
}

async function once<T>(url: string, body: unknown, stopping: AbortSignal): Promise<Answer<T>> {
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_MS)]),
    })
    text = await response.text()
  } catch (error) {
    // Refused, cut off or silent: whether it was heard is unknown, and told twice it counts once.
    return { again: messageOf((error as Error).cause ?? error) }
  }
  if (response.status === 503 || response.status === 502)
    return { again: `status ${response.status}` }
  if (response.ok) return { ok: JSON.parse(text === '' ? '{}' : text) as T }
  throw problemIn(text, { url, status: response.status })
}

function problemIn(text: string, from: { url: string; status: number }): Problem {
  try {
    const { code, detail } = JSON.parse(text) as { code?: ProblemCode; detail?: string }
    if (code !== undefined && detail !== undefined) return new Problem(code, detail)
  } catch {
    // Not the words of our server.
  }
  return new Problem('unavailable', `${from.url} answered ${from.status}: ${text.slice(0, 200)}`)
}
