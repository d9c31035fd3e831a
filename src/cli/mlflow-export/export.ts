import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { messageOf, Problem } from '#base/problem'
import { pathOfUri } from '#tracking'
import { inParallel } from '../mlflow-import/files.ts'
import { chosen } from '../mlflow-import/work.ts'
import type { Progress } from '../progress.ts'
import type { MlflowSource, Owner, SourceFile, SourceFolder } from '../mlflow-store/source.ts'
import { createMlflowDatabase, type MlflowDatabase } from './database.ts'

export interface Exported {
  readonly database: string
  readonly artifacts: string
  experiments: number
  runs: number
  points: number
  loggedModels: number
  registeredModels: number
  versions: number
  files: number
  bytes: number
  /** Files that were left in the store of their own where they are, S3 say. */
  elsewhere: number
  readonly skipped: { readonly what: string; readonly id: string; readonly reason: string }[]
  seconds: number
}

interface Export {
  readonly source: MlflowSource
  readonly database: MlflowDatabase
  readonly exported: Exported
  readonly progress: Progress
}

/**
 * Writes what the server keeps as an MLflow server keeps it: a SQLite database, and a folder of artifacts beside
 * it. The database appears when it is whole; files that were copied by a run that was cut off are not copied again.
 */
export async function exportStore(
  source: MlflowSource,
  place: { database: string; artifacts: string; experiments: readonly string[] },
  { progress, nowMs }: { progress: Progress; nowMs: () => number },
): Promise<Exported> {
  if (existsSync(place.database))
    throw new Problem(
      'exists',
      `${place.database} is there already; name another place, or remove it first`,
    )
  const startMs = nowMs()
  const exported = newExported(place)
  const partial = `${place.database}.partial`
  await mkdir(dirname(partial), { recursive: true })
  await rm(partial, { force: true })
  const database = createMlflowDatabase(partial, { nowMs })
  try {
    await exportAll({ source, database, exported, progress }, place.experiments)
  } finally {
    database.close()
  }
  await rename(partial, place.database)
  exported.seconds = (nowMs() - startMs) / 1000
  return exported
}

async function exportAll(work: Export, wanted: readonly string[]): Promise<void> {
  const { source, database, exported, progress } = work
  const experiments = chosen(await source.experiments(), wanted)
  database.experiments(experiments)
  exported.experiments = experiments.length
  const runs = new Set<string>()
  for (const { id: experimentId } of experiments) {
    for await (const page of source.runs(experimentId)) {
      const whole = await source.complete(page)
      database.runs(whole)
      for (const run of whole) {
        if (wanted.length > 0) runs.add(run.runId)
        for await (const { key, points } of source.history(run, run.keys)) {
          database.points(run, key, points)
          exported.points += points.length
        }
        await copyFiles(work, { experimentId, kind: 'run', id: run.runId }, run.artifactUri)
      }
      exported.runs += page.length
      progress.add(page.length, `${exported.points} points, ${exported.files} files`)
    }
    for await (const page of source.loggedModels(experimentId)) {
      database.loggedModels(page)
      for (const { modelId, artifactUri } of page)
        await copyFiles(work, { experimentId, kind: 'model', id: modelId }, artifactUri)
      exported.loggedModels += page.length
      progress.add(page.length)
    }
  }
  for await (const model of source.registeredModels()) {
    const isWanted =
      wanted.length === 0 || model.versions.some(({ runId }) => runs.has(runId ?? ''))
    if (!isWanted) continue
    database.registeredModel(model)
    exported.registeredModels += 1
    exported.versions += model.versions.length
  }
}

async function copyFiles({ source, exported }: Export, owner: Owner, uri: string): Promise<void> {
  const path = pathOfUri(uri)
  if (path === undefined) {
    exported.elsewhere += 1
    return
  }
  const skip = (reason: string) =>
    exported.skipped.push({ what: `files of the ${owner.kind}`, id: owner.id, reason })
  const located = await source.artifacts(owner, uri)
  if (located.kind !== 'folder') {
    if (located.kind === 'lost') skip(located.reason)
    return
  }
  const { folder } = located
  try {
    const files = await Array.fromAsync(folder.files())
    const failed = await inParallel(files, async (file) => {
      await copyFile(folder, file, within(exported.artifacts, `${path}/${file.path}`))
      exported.files += 1
      exported.bytes += file.sizeBytes
    })
    for (const { item, reason } of failed)
      exported.skipped.push({ what: 'file', id: `${owner.id}/${item.path}`, reason })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    skip(messageOf(error))
  }
}

async function copyFile(folder: SourceFolder, file: SourceFile, to: string): Promise<void> {
  const there = await stat(to).catch(() => undefined)
  if (there?.isFile() === true && there.size === file.sizeBytes) return
  await mkdir(dirname(to), { recursive: true })
  await pipeline(await folder.open(file.path), createWriteStream(`${to}.partial`))
  await rename(`${to}.partial`, to)
}

/** The path below a folder; a name that led out of it would be written wherever its maker liked. */
function within(root: string, path: string): string {
  const to = join(root, path)
  if (relative(root, to).startsWith('..'))
    throw new Problem('invalid', `${path} leads out of the folder of artifacts`)
  return to
}

function newExported({ database, artifacts }: { database: string; artifacts: string }): Exported {
  return {
    database,
    artifacts,
    experiments: 0,
    runs: 0,
    points: 0,
    loggedModels: 0,
    registeredModels: 0,
    versions: 0,
    files: 0,
    bytes: 0,
    elsewhere: 0,
    skipped: [],
    seconds: 0,
  }
}
