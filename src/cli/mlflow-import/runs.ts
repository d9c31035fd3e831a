import type { Mark } from '#tracking'
import { fingerprint, type Point, type SourceRun } from '../mlflow-store/source.ts'
import { copyFiles, inParallel } from './files.ts'
import { isElsewhere, type Import, type Placed } from './work.ts'

/** Points of one request, and requests on their way at once: while one is written the next is read. */
const POINTS = 5000
const AT_ONCE = 3

type Counts = Map<string, Map<string, number>>

/** Runs of an experiment with their metrics and files; those that are here as they are there are passed over. */
export async function importRuns(work: Import, experiment: Placed): Promise<void> {
  const { source, target, report, progress, wanted } = work
  for await (const page of source.runs(experiment.id)) {
    const recent = page.filter((run) => isWanted(run, wanted.sinceMs))
    if (wanted.experiments.length > 0 || wanted.sinceMs !== null)
      for (const { runId } of recent) work.seen.add(runId)
    const usable = recent.filter((run) => isUsable(work, run))
    const marks = await target.marks(
      'run',
      usable.map(({ runId }) => runId),
    )
    const printed = usable.map((run) => ({ run, digest: fingerprint(run) }))
    const changed = printed.filter(({ run, digest }) => marks.get(run.runId)?.digest !== digest)
    report.runs.same += usable.length - changed.length
    if (wanted.dryRun)
      for (const { run } of changed) report.runs[marks.has(run.runId) ? 'changed' : 'new'] += 1
    else if (changed.length > 0)
      await takeRuns(
        work,
        experiment,
        changed.map(({ run, digest }) => ({ run, digest, wasWhole: marks.has(run.runId) })),
      )
    progress.add(page.length, `${report.points} points, ${report.files} files`)
  }
}

function isWanted({ startMs, endMs }: SourceRun, sinceMs: number | null): boolean {
  return sinceMs === null || endMs === null || Math.max(startMs, endMs) >= sinceMs
}

function isUsable({ report }: Import, { runId }: SourceRun): boolean {
  if (/^[0-9a-f]{32}$/.test(runId)) return true
  const reason = 'its identifier is not 32 hex digits, so no client of today can name it'
  report.skipped.push({ what: 'run', id: runId, reason })
  return false
}

async function takeRuns(
  work: Import,
  experiment: Placed,
  changed: readonly { run: SourceRun; digest: string; wasWhole: boolean }[],
): Promise<void> {
  const { target, report } = work
  const runs = await work.source.complete(changed.map(({ run }) => run))
  const outcomes = await target.runs(runs.map((run) => givenRun(run, experiment)))
  // Of a run that was cut off on its way here, any point may be missing.
  const known = changed.filter(({ wasWhole }) => wasWhole).map(({ run }) => run.runId)
  const here = await countsOf(work, known)
  const sent = await takeMetrics(work, runs, here)
  if (work.wanted.counting) await compareCounts(work, runs, sent)
  const marks: Mark[] = []
  const failed = await inParallel([...changed.entries()], async ([index, { digest }]) => {
    const run = runs[index] as SourceRun
    const outcome = outcomes[index] ?? 'same'
    report.runs[outcome] += 1
    const owner = { experimentId: experiment.id, kind: 'run', id: run.runId } as const
    const folder = `${experiment.ownId}/${run.runId}/artifacts`
    const files = { uri: run.artifactUri, folder, isNew: outcome === 'new' }
    if (await copyFiles(work, owner, files))
      marks.push({ kind: 'run', id: run.runId, ownId: run.runId, digest })
  })
  await target.mark(marks)
  if (failed[0] !== undefined) throw failed[0].error
}

function givenRun(run: SourceRun, { ownId }: Placed) {
  const { extent: _extent, points: _points, keys: _keys, artifactUri, ...rest } = run
  const own = isElsewhere(artifactUri) ? { artifactUri } : {}
  return { ...rest, experimentId: ownId, ...own }
}

async function countsOf({ target }: Import, runIds: readonly string[]): Promise<Counts> {
  if (runIds.length === 0) return new Map()
  const counts = await target.counts(runIds)
  return new Map(counts.map(({ runId, points }) => [runId, new Map(Object.entries(points))]))
}

/** Sends the points that are not here, those of several runs together; gives how many there are of each metric. */
async function takeMetrics(
  { source, target, report, progress }: Import,
  runs: readonly SourceRun[],
  here: Counts,
): Promise<Counts> {
  const sent: Counts = new Map()
  const sending = new Set<Promise<void>>()
  let failure: unknown
  let batch: { runId: string; key: string; points: Point[] }[] = []
  let size = 0
  const flush = async () => {
    if (batch.length === 0) return
    const call = target
      .metrics(batch)
      .catch((error: unknown) => {
        failure ??= error
      })
      .finally(() => sending.delete(call))
    sending.add(call)
    report.points += size
    progress.add(0, `${report.points} points, ${report.files} files`)
    batch = []
    size = 0
    if (sending.size >= AT_ONCE) await Promise.race(sending)
    if (failure !== undefined) throw failure
  }
  for (const run of runs) {
    const own = here.get(run.runId)
    const keys = run.keys.filter((key) => {
      const there = run.points?.[key]
      return there === undefined || own?.get(key) !== there
    })
    for await (const { key, points: all } of source.history(run, keys)) {
      const points = all.filter(isWhole)
      if (points.length < all.length)
        report.skipped.push({
          what: 'points',
          id: `${run.runId}/${key}`,
          reason: `${all.length - points.length} have a step or a time beyond 2^53`,
        })
      count(sent, run.runId, key, points.length)
      for (let start = 0; start < points.length;) {
        const part = points.slice(start, start + POINTS - size)
        batch.push({ runId: run.runId, key, points: part })
        size += part.length
        start += part.length
        if (size >= POINTS) await flush()
      }
    }
  }
  await flush()
  await Promise.all(sending)
  if (failure !== undefined) throw failure
  return sent
}

function isWhole({ atMs, step }: Point): boolean {
  return Number.isSafeInteger(atMs) && Number.isSafeInteger(step)
}

function count(counts: Counts, runId: string, key: string, more: number): void {
  const own = counts.get(runId) ?? new Map<string, number>()
  own.set(key, (own.get(key) ?? 0) + more)
  counts.set(runId, own)
}

/** Nothing may be fewer here than there. */
async function compareCounts(
  { target, report }: Import,
  runs: readonly SourceRun[],
  sent: Counts,
): Promise<void> {
  const counts = new Map(
    (await target.counts(runs.map(({ runId }) => runId))).map((one) => [one.runId, one]),
  )
  for (const run of runs) {
    const own = counts.get(run.runId)
    const lacks = (what: string, here: number, there: number) => {
      if (here < there)
        report.differences.push({
          what: 'run',
          id: run.runId,
          difference: `${here} of ${there} ${what} are here`,
        })
    }
    lacks('params', own?.params ?? 0, run.params.length)
    lacks('tags', own?.tags ?? 0, run.tags.length)
    for (const [key, points] of sent.get(run.runId) ?? [])
      lacks(`points of ${key}`, own?.points[key] ?? 0, points)
  }
}
