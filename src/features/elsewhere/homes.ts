import type { Datasets } from '#datasets'
import type { Ref } from '#ledger'
import { datasetVersionRef, type Projects } from '#projects'
import type { Name, UsedDataset } from './event.ts'
import { datasetRef, homeName, type Home } from './run.ts'

/** Whose data a name means, and which version of it. */
export interface Homes {
  of(dataset: Name & { aliases?: readonly Name[] }): Promise<Home | null>
  /** The node of the lineage graph that a use of a dataset is about. */
  ref(
    dataset: UsedDataset,
    use: { home: Home | null; role: 'input' | 'output'; atMs: number },
  ): Promise<Ref>
}

interface Dependencies {
  readonly projects: Pick<Projects, 'list'>
  readonly datasets: Pick<Datasets, 'list'>
}

export function createHomes({ projects, datasets }: Dependencies): Homes {
  const versionsOf = async ({ project, path }: Home) => {
    const found = await datasets.list({ project, search: path, limit: 1000 })
    return found.datasets.find((each) => each.path === path)?.versions ?? []
  }

  /** The dataset that a path is, or is a part of. */
  const tracked = async (project: string, path: string): Promise<Home> => {
    const all = (await datasets.list({ project, limit: Number.MAX_SAFE_INTEGER })).datasets
    const around = all
      .filter((each) => each.path === path || path.startsWith(`${each.path}/`))
      .toSorted((a, b) => b.path.length - a.path.length)
    return { project, path: around[0]?.path ?? path }
  }

  const named = async (name: Name): Promise<Home | null> => {
    const known = await projects.list()
    const place = placeIn(name, known)
    if (place !== null) return tracked(place.project, place.path)
    const md5 = md5In(name.name)
    if (md5 === null) return null
    const { datasets: all } = await datasets.list({ limit: Number.MAX_SAFE_INTEGER })
    const found = all.find(({ versions }) => versions.some((version) => version.md5 === md5))
    return found === undefined ? null : { project: found.project, path: found.path }
  }

  return {
    of: async ({ aliases = [], ...dataset }) => {
      for (const name of [dataset, ...aliases]) {
        const home = await named(name)
        if (home !== null) return home
      }
      return null
    },
    ref: async (dataset, { home, role, atMs }) => {
      if (home === null) return datasetRef(dataset)
      const versions = await versionsOf(home)
      const names = new Set([dataset, ...dataset.aliases].map(({ name }) => md5In(name)))
      const meant = versions.find(({ md5 }) => md5 === dataset.version || names.has(md5))
      // What is read without a word of its version is what was there then; what is written is new.
      const then = role === 'input' ? versions.find(({ addedMs }) => addedMs <= atMs) : undefined
      const version = meant ?? then
      return version === undefined
        ? datasetRef(homeName(home))
        : datasetVersionRef({ ...home, md5: version.md5 })
    },
  }
}

/** A project's path by our own address, or by that of the folder that the project was registered by. */
function placeIn(
  { namespace, name }: Name,
  projects: readonly { name: string; origin: string }[],
): Home | null {
  const [, ours] = /^orrery:\/\/([^/]+)$/.exec(namespace) ?? []
  if (ours !== undefined)
    return projects.some((each) => each.name === ours) ? { project: ours, path: name } : null
  if (!/^file(:\/\/[^/]*)?$/.test(namespace)) return null
  const path = `/${name.replace(/^\/+/, '')}`
  for (const { name: project, origin } of projects) {
    const folder = origin.replace(/^file:\/\//, '').replace(/\/+$/, '')
    if (folder.startsWith('/') && path.startsWith(`${folder}/`))
      return { project, path: path.slice(folder.length + 1).replace(/\/+$/, '') }
  }
  return null
}

/** The content that an address in a DVC remote or cache names. */
function md5In(name: string): string | null {
  const [, two, rest] =
    /(?:^|\/)files\/md5\/([0-9a-f]{2})\/([0-9a-f]{30}(?:\.dir)?)$/.exec(name) ?? []
  return two === undefined || rest === undefined ? null : `${two}${rest}`
}
