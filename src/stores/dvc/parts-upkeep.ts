import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing } from './measure.ts'
import type { ObjectFolder } from './objects.ts'
import { linesIn, markerOf, partsFolder, rewriteLines } from './parts.ts'

/** What parts of unfinished runs gave stays so long, for the run to go on. */
export const UNFINISHED_KEPT_MS = 7 * 24 * 3600 * 1000

/** The objects that runs by parts which did not finish have brought forth already. */
export function unfinishedParts(folder: string, nowMs: number): { md5: string; path: string }[] {
  return ledgersIn(folder).flatMap((file) => {
    const markedMs = statSync(markerOf(file), { throwIfNoEntry: false })?.mtimeMs
    if (markedMs === undefined || markedMs < nowMs - UNFINISHED_KEPT_MS) return []
    return [...linesIn(file).values()].flat().map(({ md5, path }) => ({ md5, path }))
  })
}

/** Takes out of all ledgers the parts of which the cache lacks something; gives how many. */
export async function forgetLostParts(folder: string, cache: ObjectFolder): Promise<number> {
  let lostParts = 0
  for (const file of ledgersIn(folder)) {
    const lines = linesIn(file)
    const md5s = new Set([...lines.values()].flat().map(({ md5 }) => md5))
    const missing = await cache.missing([...md5s].map((md5) => ({ md5, legacy: false })))
    if (missing.length === 0) continue
    const lost = new Set(missing.map(({ md5 }) => md5))
    const left = new Map([...lines].filter(([, files]) => !files.some(({ md5 }) => lost.has(md5))))
    lostParts += lines.size - left.size
    rewriteLines(file, left)
  }
  for (const prefix of namesIn(partsFolder(folder)))
    if (namesIn(join(partsFolder(folder), prefix)).length === 0)
      rmSync(join(partsFolder(folder), prefix), { recursive: true, force: true })
  return lostParts
}

function ledgersIn(folder: string): string[] {
  const top = partsFolder(folder)
  return namesIn(top).flatMap((prefix) =>
    namesIn(join(top, prefix))
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => join(top, prefix, name)),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
