import type { HourProfile, PredictionRow } from '#serving'
import { merged, sketchOf } from '#sketches'
import type { Answers } from './measure.ts'

/** What each revision answered: told from the hours' profiles where they are whole, else from the rows. */
export async function answersIn(held: {
  rows(): Promise<readonly PredictionRow[]>
  hours(): Promise<readonly HourProfile[] | undefined>
}): Promise<Answers[]> {
  const hours = await held.hours()
  return hours === undefined ? inRows(await held.rows()) : inHours(hours)
}

function inHours(hours: readonly HourProfile[]): Answers[] {
  return [...Map.groupBy(hours, ({ revision }) => revision)].map(([revision, each]) => ({
    revision,
    modelVersion: each.at(-1)?.modelVersion ?? '',
    rows: each.reduce((all, { rows }) => all + rows, 0),
    latencyMs: merged(each.map(({ latencyMs }) => latencyMs)),
  }))
}

function inRows(rows: readonly PredictionRow[]): Answers[] {
  return [...Map.groupBy(rows, ({ revision }) => revision)].map(([revision, each]) => ({
    revision,
    modelVersion: each.at(-1)?.modelVersion ?? '',
    rows: each.length,
    latencyMs: sketchOf(each.map(({ latencyMs }) => latencyMs)),
  }))
}
