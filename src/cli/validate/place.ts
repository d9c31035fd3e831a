import { declaredIn } from '#app/project/declared'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { Problem } from '#base/problem'
import type { Tables } from '#tables'
import { calledIn } from '../workspace.ts'

/** Where a command looks for contracts and data: the project around, or this folder. */
export interface Place {
  readonly root: string
  readonly tables: Tables
  readonly spillFolder: string
  /** What orrery.yaml says of contracts: by the path of data, its contract. */
  readonly placed: Readonly<Record<string, string>>
  /** A path that was written here, as the place knows it. */
  inside(written: string): string
  close(): Promise<void>
}

export async function openPlace(): Promise<Place> {
  const here = project()
  if (here !== undefined) {
    const tables = await here.tables()
    return {
      root: here.root,
      tables,
      spillFolder: join(here.root, '.dvc', 'tmp', 'orrery', 'spill'),
      placed: (await declaredIn(here.root)).contracts ?? {},
      inside: (written) => insideOf(here.root, written),
      close: () => tables.close(),
    }
  }
  const { openLooseTables } = await import('#app/project/tables')
  const root = realpathSync(process.cwd())
  const tables = openLooseTables(root)
  return {
    root,
    tables,
    spillFolder: join(tmpdir(), 'orrery-spill'),
    placed: (await declaredIn(root)).contracts ?? {},
    inside: (written) => insideOf(root, written),
    close: () => tables.close(),
  }
}

function project(): ReturnType<typeof calledIn> | undefined {
  try {
    return calledIn()
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined
    throw error
  }
}

/** A path that lies elsewhere stays as it is: what a person names may be anywhere. */
function insideOf(root: string, written: string): string {
  const path = relative(root, resolve(written)).split(sep).join('/')
  return path === '..' || path.startsWith('../') ? resolve(written) : path
}
