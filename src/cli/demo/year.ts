import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Flight, Month } from './flights.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** Requests under way at a time. */
const SENDERS = 6
const PATIENCE_MS = 120_000

/** Plays flights against the endpoint in event time, as fast as the server takes them. */
export interface Player {
  /** Each scheduled hour is one prediction request; truths follow when flights have landed. */
  play(month: Month, afterEachDay: (dayMs: number) => Promise<void>): Promise<void>
  /** Sends the truths that are still to come, and lets the last windows settle. */
  finish(): Promise<void>
}

export function createPlayer({ url, endpoint }: { url: string; endpoint: string }): Player {
  let waiting: Flight[] = []
  let nowMs = 0

  const predict = (columns: readonly string[], hourMs: number, flights: readonly Flight[]) =>
    send(`${url}/endpoints/${endpoint}/invocations`, {
      // The name makes a repeated request the same request, should an answer be lost.
      id: `hour-${new Date(hourMs).toISOString().slice(0, 13)}`,
      body: { dataframe_split: { columns, data: flights.map((flight) => flight.row) } },
    })

  const tellTruths = async (untilMs: number) => {
    const landed = waiting.filter((flight) => flight.landedMs < untilMs)
    waiting = waiting.filter((flight) => flight.landedMs >= untilMs)
    const byHour = Map.groupBy(landed, (flight) => Math.floor(flight.landedMs / HOUR_MS))
    await inTurns([...byHour.values()], (flights) =>
      send(`${url}/api/v1/endpoints/${endpoint}/ground-truth`, {
        body: {
          truths: flights.map((flight) => ({ key: String(flight.id), label: flight.late })),
        },
      }),
    )
  }

  const passTime = async (untilMs: number) => {
    nowMs = untilMs
    await send(`${url}/api/v1/endpoints/${endpoint}/watermark`, {
      body: { time: new Date(untilMs).toISOString() },
    })
    await atRest(url)
  }

  return {
    play: async (month, afterEachDay) => {
      const days = Map.groupBy(month.hours, ([hourMs]) => Math.floor(hourMs / DAY_MS))
      for (const [day, hours] of [...days].toSorted(([a], [b]) => a - b)) {
        await inTurns(hours, ([hourMs, flights]) => predict(month.columns, hourMs, flights))
        waiting.push(
          ...hours.flatMap(([, flights]) => flights.filter((flight) => flight.late !== null)),
        )
        await tellTruths((day + 1) * DAY_MS)
        await passTime((day + 1) * DAY_MS)
        await afterEachDay(day * DAY_MS)
      }
    },
    finish: async () => {
      for (let days = 0; days < 3; days++) {
        await tellTruths(nowMs + DAY_MS)
        await passTime(nowMs + DAY_MS)
      }
    },
  }
}

/** Waits until the server has nothing left to do by itself: windows judged, retraining and rollout over. */
export async function atRest(url: string): Promise<void> {
  for (;;) {
    const { idle } = (await send(`${url}/api/v1/activity`)) as { idle: boolean }
    if (idle) return
    await sleep(100)
  }
}

async function inTurns<T>(items: readonly T[], each: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items]
  const sender = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await each(item)
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
}

/** Sends until it is answered: a server that is being restarted is waited for, a refusal is not tried again. */
async function send(url: string, request?: { id?: string; body: unknown }): Promise<unknown> {
  for (const started = systemClock.nowMs(); ; await sleep(200)) {
    try {
      const response = await fetch(url, {
        ...(request === undefined ? {} : { method: 'POST', body: JSON.stringify(request.body) }),
        headers: {
          ...(request === undefined ? {} : { 'content-type': 'application/json' }),
          ...(request?.id === undefined ? {} : { 'x-request-id': request.id }),
        },
      })
      if (response.ok) return await response.json()
      const words = await response.text()
      if (response.status < 500)
        throw new Problem('invalid', `${url} answered ${response.status}: ${words.slice(0, 500)}`)
      if (systemClock.nowMs() - started > PATIENCE_MS)
        throw new Problem(
          'unavailable',
          `${url} kept answering ${response.status}: ${words.slice(0, 500)}`,
        )
    } catch (error) {
      if (error instanceof Problem) throw error
      if (systemClock.nowMs() - started > PATIENCE_MS) throw error
    }
  }
}
