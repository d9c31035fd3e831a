import { constants, existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { platformActor, type Edge, type Ref } from '#ledger'
import type { Monitoring } from '#monitoring'
import type { ChosenData, RunRequest } from '#pipelines'
import { datasetVersionRef, type Project } from '#projects'
import { readTrackedFile } from '#protocols/dvc/tracked-file'
import type { PredictionRow, Serving } from '#serving'
import type { Analytics } from '#stores/analytics/duckdb/index'
import { writeLabelled } from '#stores/analytics/duckdb/labelled'
import type { LocalClones } from '../data/clones.ts'
import type { DatasetFiles } from '../data/dataset-files.ts'
import { git } from '../data/git.ts'
import type { Ground } from '../ground.ts'

/** Data that a run of a pipeline is made of, besides what its commit has. */
export interface RunData {
  /** Puts it into a work tree. Throws a `conflict` where there is none, with what to do. */
  place(
    folder: string,
    at: { request: RunRequest; project: Project; commit: string },
  ): Promise<void>
  /** Notes where it was taken from, by the hash that it has now; told again, nothing changes. */
  note(folder: string, at: { request: RunRequest; added: readonly AddedData[] }): Promise<void>
}

export interface AddedData {
  readonly path: string
  readonly md5: string
}

export interface RunDataSources {
  readonly clones: LocalClones
  readonly files: DatasetFiles
  readonly serving: Pick<Serving, 'endpoints' | 'predictions'>
  readonly labelledRows: Monitoring['labelledRows']
  readonly analytics: Analytics
}

/** Where something was taken from: what is told of it, and what it leads back to. */
interface Origin {
  readonly path: string
  readonly told: Readonly<Record<string, string | number | readonly string[]>>
  readonly from: readonly Ref[]
}

/** Beside the mark that a work tree is ready: it is made once, and told of once what is in it is known by its hash. */
const ORIGINS = join('.dvc', 'tmp', 'orrery-data.json')

export function runData({ store }: Pick<Ground, 'store'>, sources: () => RunDataSources): RunData {
  return {
    place: async (folder, { request, project, commit }) => {
      const { data = [] } = request.order
      if (data.length === 0) return
      const origins: Origin[] = []
      for (const chosen of data) {
        await clearPlace(folder, chosen.path)
        origins.push(
          chosen.kind === 'last'
            ? await placeVersions(sources(), { folder, project, commit, chosen })
            : await placeWindow(sources(), { folder, chosen }),
        )
      }
      await mkdir(dirname(join(folder, ORIGINS)), { recursive: true })
      await writeFile(join(folder, ORIGINS), JSON.stringify(origins))
    },
    note: async (folder, { request, added }) => {
      const origins = JSON.parse(await readFile(join(folder, ORIGINS), 'utf8')) as Origin[]
      const { project, cause = null } = request.order
      await store.transact(async ({ ledger }) => {
        for (const { path, told, from } of origins) {
          const md5 = added.find((each) => each.path === path)?.md5
          if (md5 === undefined) continue
          const version = datasetVersionRef({ project, path, md5 })
          const known = new Set((await ledger.edgesFrom(version)).map(({ to }) => keyOf(to)))
          if (from.every((ref) => known.has(keyOf(ref)))) continue
          const edges = from.map((to): Edge => ({ from: version, relation: 'taken-from', to }))
          await ledger.append(platformActor('pipelines'), [
            {
              type: 'run-data-taken',
              data: { project, path, md5, request: request.id, policyRun: cause, ...told },
              edges,
            },
          ])
        }
      })
    },
  }
}

function keyOf({ kind, id }: Ref): string {
  return `${kind} ${id}`
}

/** Nothing is written outside of the tree, whatever links the project has in it. */
async function clearPlace(folder: string, path: string): Promise<void> {
  const place = join(folder, path)
  let above = dirname(place)
  while (!existsSync(above)) above = dirname(above)
  const inside = relative(await realpath(folder), await realpath(above))
  if (inside === '..' || inside.startsWith(`..${sep}`))
    throw new Problem(
      'invalid',
      `${path} is a link out of the project; name another path for the data`,
    )
  await rm(place, { recursive: true, force: true })
  await mkdir(dirname(place), { recursive: true })
}

type Last = Extract<ChosenData, { kind: 'last' }>

/** Each of the newest versions in a folder, by the time of its commit: names sort from the oldest to the newest. */
async function placeVersions(
  { clones, files }: RunDataSources,
  at: { folder: string; project: Project; commit: string; chosen: Last },
): Promise<Origin> {
  const { folder, project, commit, chosen } = at
  const versions = await newestVersions(clones.mirrorOf(project.origin), commit, chosen)
  for (const { md5, name } of versions)
    for (const file of await files.get(project.name, chosen.of, md5)) {
      const target = join(folder, chosen.path, name, file.name.slice(chosen.of.length))
      await mkdir(dirname(target), { recursive: true })
      await copyFile(file.path, target.replace(/\/$/, ''), constants.COPYFILE_FICLONE)
    }
  const { path, of } = chosen
  return {
    path,
    told: { of, versions: versions.map(({ md5 }) => md5) },
    from: versions.map(({ md5 }) => datasetVersionRef({ project: project.name, path: of, md5 })),
  }
}

async function newestVersions(mirror: string, commit: string, { of, count }: Last) {
  const tracked = `${of}.dvc`
  const log = await git(mirror, ['log', '--format=%H %cI', commit, '--', `:(literal)${tracked}`])
  const found = new Map<string, string>()
  for (const line of log.split('\n').filter(Boolean)) {
    const [hash = '', time = ''] = line.split(' ')
    const text = await git(mirror, ['show', `${hash}:${tracked}`]).catch(() => undefined)
    // In that commit it was taken away.
    if (text === undefined) continue
    const md5 = readTrackedFile(tracked, text).value.outs.find(({ path }) => path === of)?.content
      ?.md5
    if (md5 !== undefined && !found.has(md5)) found.set(md5, time)
    if (found.size === count) break
  }
  if (found.size === 0)
    throw new Problem(
      'conflict',
      `${of} has no version: no ${tracked} of this branch tells of one; track it with "orrery add ${of}" and commit that`,
    )
  return [...found].map(([md5, time]) => ({ md5, name: versionName(of, time, md5) }))
}

function versionName(of: string, time: string, md5: string): string {
  const at = new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${at}-${md5.slice(0, 8)}${md5.endsWith('.dir') ? '' : extname(of)}`
}

type Window = Extract<ChosenData, { kind: 'window' }>

/** What was predicted in a span of time and turned out to be true, as a table like the one that was trained on. */
async function placeWindow(
  { serving, labelledRows, analytics }: RunDataSources,
  { folder, chosen }: { folder: string; chosen: Window },
): Promise<Origin> {
  const { path, endpoint: name, window } = chosen
  const endpoint = (await serving.endpoints.list()).find((each) => each.name === name)
  if (endpoint === undefined)
    throw new Problem(
      'conflict',
      `there is no endpoint ${name}, so ${path} cannot be made of what it predicted`,
    )
  const { fromMs, toMs } = await spanOf(chosen, () => serving.predictions.watermark(name))
  const { monitor } = endpoint
  const rows = await writeLabelled(analytics, join(folder, path), {
    pages: () => pagesOf(labelledRows(name, { fromMs, toMs })),
    names: {
      time: monitor?.window.by ?? null,
      key: monitor?.key ?? null,
      label: monitor?.label ?? 'label',
    },
  }).catch((error: unknown) => {
    throw new Problem(
      'invalid',
      `what ${name} predicted could not be written to ${path}: ${messageOf(error)}`,
    )
  })
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
  if (rows === 0)
    throw new Problem(
      'conflict',
      `of what ${name} predicted from ${from} to ${to} nothing is known to be true yet, so ${path} would be empty; tell truths first, or take a longer time: { window: 30d }`,
    )
  return {
    path,
    told: { endpoint: name, from, to, rows },
    from: [
      ...(window === null ? [] : [{ kind: 'window', id: window } as const]),
      { kind: 'endpoint', id: name },
    ],
  }
}

async function spanOf({ endpoint, path, span }: Window, watermark: () => Promise<number | null>) {
  if ('fromMs' in span) return span
  const endMs = await watermark()
  if (endMs === null)
    throw new Problem(
      'conflict',
      `${endpoint} has predicted nothing yet, so ${path} would be empty`,
    )
  // The newest prediction is part of it.
  return { fromMs: endMs + 1 - span.lengthMs, toMs: endMs + 1 - span.holdoutMs }
}

const PAGE = 5000

async function* pagesOf(rows: AsyncIterable<PredictionRow>): AsyncGenerator<PredictionRow[]> {
  let page: PredictionRow[] = []
  for await (const row of rows) {
    page.push(row)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  yield page
}
