import { Problem } from '#base/problem'
import type { ColumnProfile, Counts, Moments, Profile, Spread } from '../profile.ts'

/** What a file begins with that holds a profile, so that it is told from a table of JSON. */
export const PROFILE_MARK = '{"orrery":"drift-profile"'

/** A profile as a file keeps it. */
export function printProfile(profile: Profile): string {
  return `${JSON.stringify({ orrery: 'drift-profile', ...profile })}\n`
}

/** A profile from a file, which anybody may have written. Throws `invalid` for what is none. */
export function parseProfile(text: string, name: string): Profile {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw broken(name, 'it is no JSON')
  }
  const { version, rows, columns, time } = recordIn(found, name)
  if (version !== 1) throw broken(name, `its version is ${String(version)}, and 1 is known`)
  return {
    version: 1,
    rows: numberIn(rows, name),
    time: time === null || time === undefined ? null : timeIn(time, name),
    columns: Object.fromEntries(
      Object.entries(recordIn(columns, name)).map(([column, each]) => [
        column,
        columnIn(each, `${name}, column ${column}`),
      ]),
    ),
  }
}

function columnIn(found: unknown, name: string): ColumnProfile {
  const column = recordIn(found, name)
  if (column['kind'] === 'other') return { kind: 'other', reason: textIn(column['reason'], name) }
  const counts = countsIn(column['counts'], name)
  const spread = column['spread'] === null ? null : spreadIn(column['spread'], name)
  if (column['kind'] === 'categorical') {
    const categories = listIn(column['categories'], name).map((each) => textIn(each, name))
    if (counts.bins.length !== categories.length + 1) throw broken(name, 'its counts do not fit')
    const { distinct } = column
    return {
      kind: 'categorical',
      categories,
      ...(typeof distinct === 'number' ? { distinct } : {}),
      counts,
      spread,
    }
  }
  if (column['kind'] !== 'numeric') throw broken(name, 'it is of no known kind')
  const edges = numbersIn(column['edges'], name)
  if (edges.some((edge, index) => index > 0 && edge <= (edges[index - 1] as number)))
    throw broken(name, 'its edges do not ascend')
  const length = edges.length + 1
  if (counts.bins.length !== length || counts.sums.length !== length)
    throw broken(name, 'its counts do not fit')
  const of = (key: string) => numberIn(column[key], name)
  return {
    kind: 'numeric',
    edges,
    counts,
    min: of('min'),
    max: of('max'),
    mean: of('mean'),
    std: of('std'),
    spread,
  }
}

function countsIn(found: unknown, name: string): Counts {
  const { bins, sums, missing } = recordIn(found, name)
  const counts = {
    bins: numbersIn(bins, name),
    sums: numbersIn(sums, name),
    missing: numberIn(missing, name),
  }
  if ([...counts.bins, counts.missing].some((count) => count < 0))
    throw broken(name, 'it counts less than nothing')
  return counts
}

function spreadIn(found: unknown, name: string): Spread {
  const { windows, effect, missing } = recordIn(found, name)
  return {
    windows: numberIn(windows, name),
    effect: momentsIn(effect, name),
    missing: momentsIn(missing, name),
  }
}

function momentsIn(found: unknown, name: string): Moments {
  const { mean, std, max } = recordIn(found, name)
  return { mean: numberIn(mean, name), std: numberIn(std, name), max: numberIn(max, name) }
}

function timeIn(found: unknown, name: string): NonNullable<Profile['time']> {
  const { column, windowMs, fromMs, toMs } = recordIn(found, name)
  return {
    column: textIn(column, name),
    windowMs: numberIn(windowMs, name),
    fromMs: numberIn(fromMs, name),
    toMs: numberIn(toMs, name),
  }
}

function recordIn(found: unknown, name: string): Record<string, unknown> {
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw broken(name, 'a part of it is missing')
  return found as Record<string, unknown>
}

function listIn(found: unknown, name: string): unknown[] {
  if (!Array.isArray(found)) throw broken(name, 'a list of it is missing')
  return found
}

function numbersIn(found: unknown, name: string): number[] {
  return listIn(found, name).map((each) => numberIn(each, name))
}

function numberIn(found: unknown, name: string): number {
  if (typeof found !== 'number' || !Number.isFinite(found))
    throw broken(name, 'a number of it is missing')
  return found
}

function textIn(found: unknown, name: string): string {
  if (typeof found !== 'string') throw broken(name, 'a word of it is missing')
  return found
}

function broken(name: string, what: string): Problem {
  return new Problem(
    'invalid',
    `${name} cannot be read as a profile: ${what}; make it anew with \`orrery profile DATA --drift FILE\``,
  )
}
