import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { ShownLogPiece, ShownRunDetail, ShownRunStage } from '#protocols/api/run-requests-wire'
import type { ApiClient } from '../client.ts'
import { eventsIn } from '../event-source.ts'
import { linePrefixer } from '../line-prefixer.ts'

/** A server that is being restarted goes on with the run; it is waited for this long. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 500

/** Prints what a run does until it is over; gives how it ended. Undefined when the signal came first. */
export async function followRun(
  api: ApiClient,
  id: string,
  { put, signal, only }: { put: (text: string) => unknown; signal: AbortSignal; only?: string },
): Promise<ShownRunDetail | undefined> {
  const seen = narrator(put, only)
  let silentSince = systemClock.nowMs()
  while (!signal.aborted) {
    try {
      for await (const { event, data } of until(
        eventsIn(api.stream(`/run-requests/${encodeURIComponent(id)}/events`)),
        signal,
      )) {
        silentSince = systemClock.nowMs()
        if (event === 'log') seen.log(JSON.parse(data) as ShownLogPiece)
        if (event === 'run') seen.run(JSON.parse(data) as ShownRunDetail)
        if (event === 'end') return seen.last()
      }
    } catch (error) {
      if (signal.aborted) return undefined
      const isAway = !(error instanceof Problem) || error.code === 'unavailable'
      if (!isAway || systemClock.nowMs() - silentSince > PATIENCE_MS) throw error
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

/** The items until the signal comes, also while none comes. */
async function* until<T>(items: AsyncGenerator<T>, signal: AbortSignal): AsyncGenerator<T> {
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  for (;;) {
    const next = await Promise.race([items.next(), stopped])
    if (next === undefined || next.done === true) return
    yield next.value
  }
}

/** Tells each thing once, however often the server sends it. */
function narrator(put: (text: string) => unknown, only: string | undefined) {
  const lines = linePrefixer(put)
  const read = new Map<string, number>()
  const told = new Map<string, string>()
  let newest: ShownRunDetail | undefined
  let state = ''

  const tellStage = (stage: ShownRunStage) => {
    const before = told.get(stage.stage)
    if (before === stage.state || (only !== undefined && only !== stage.stage)) return
    told.set(stage.stage, stage.state)
    if (stage.state !== 'running') lines.flush(stage.stage)
    const words = wordsOf(stage)
    if (words !== undefined) put(`${stage.stage}: ${words}\n`)
  }
  return {
    last: () => newest,
    log: ({ stage, pipelineRun, from, next, text }: ShownLogPiece) => {
      if (only !== undefined && only !== stage) return
      const key = `${pipelineRun}\n${stage}`
      const at = read.get(key) ?? 0
      if (next <= at) return
      if (from > at) put(`${stage}: … ${from - at} bytes of its log are not kept …\n`)
      lines.add(
        stage,
        Buffer.from(text)
          .subarray(Math.max(0, at - from))
          .toString(),
      )
      read.set(key, next)
    },
    run: (shown: ShownRunDetail) => {
      newest = shown
      if (shown.state !== state && (shown.state === 'queued' || shown.cancelling))
        put(shown.cancelling ? 'the run is being cancelled\n' : 'the run waits for its turn\n')
      state = shown.state
      for (const stage of shown.stages) tellStage(stage)
      for (const { stage, outcome, message, until: end } of shown.approvals)
        if (outcome === null && !told.has(`approval ${stage}`)) {
          told.set(`approval ${stage}`, 'asked')
          const time = end === null ? '' : `, until ${end}`
          put(
            `${stage}: waits for approval${time}${message === null ? '' : `: ${message}`}\n  orrery run approve ${shown.id} ${stage}\n`,
          )
        }
    },
  }
}

function wordsOf({ state, reason, started, ended, tests }: ShownRunStage): string | undefined {
  const why = reason === null || reason === '' ? '' : ` (${reason})`
  const passed = tests === null ? '' : `; ${tests.passed} of ${tests.total} tests passed`
  if (state === 'queued' || state === 'waiting') return undefined
  if (state === 'running') return 'running'
  if (state === 'succeeded' && started !== null && ended !== null)
    return `done in ${((Date.parse(ended) - Date.parse(started)) / 1000).toFixed(1)} s${passed}`
  if (state === 'failed') return `failed${why}${passed}`
  if (state === 'up-to-date') return 'up to date'
  if (state === 'restored') return `restored from the cache${why}`
  return `${state}${why}`
}
