import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { InputFile } from './input.ts'

/** What has to stay the same for work to go on where it ended. */
export interface Task {
  readonly model: { readonly name: string; readonly version: number; readonly digest: string }
  readonly files: readonly InputFile[]
  readonly options: Readonly<Record<string, string | number | boolean | null>>
}

/** The next row to be read. */
export interface Place {
  readonly file: number
  readonly row: number
}

/** Bad rows that are told with their reason; the others are counted. */
export const EXAMPLES_MAX = 5

export interface BadExample {
  readonly file: string
  /** From 0. */
  readonly row: number
  readonly reason: string
}

export interface Counts {
  readonly read: number
  readonly written: number
  readonly bad: number
  /** The first few of them. */
  readonly examples: readonly BadExample[]
}

export interface Part extends Counts {
  readonly path: string
  /** Where the next part begins. */
  readonly next: Place
}

/** The parts of a result that are done, in a folder beside it. */
export interface PartsFolder {
  readonly parts: readonly Part[]
  /** Where the file of the next part is written before it is kept. */
  nextPath(): string
  /** Once this resolves, the part is not done again. */
  keep(part: Part): Promise<void>
  remove(): Promise<void>
}

/** Opens the parts of earlier work on the same task, or begins. Throws `conflict` when they are of another task. */
export async function openParts(
  output: string,
  task: Task,
  { restart }: { restart: boolean },
): Promise<PartsFolder> {
  const folder = `${output}.parts`
  const file = join(folder, 'task.json')
  if (restart) await rm(folder, { recursive: true, force: true })
  const before = await readJson<Task>(file)
  if (before === undefined) {
    if (existsSync(output) && !restart)
      throw new Problem(
        'conflict',
        `${output} is there already; name another output, or replace it with --restart`,
      )
    await mkdir(folder, { recursive: true })
    await writeWhole(file, JSON.stringify(task))
  } else checkSame(before, task, folder)
  const parts: Part[] = []
  for (;;) {
    const part = await readJson<Part>(join(folder, `${nameOf(parts.length)}.json`))
    if (part === undefined) break
    parts.push({ ...part, path: join(folder, `${nameOf(parts.length)}.parquet`) })
  }
  return {
    parts,
    nextPath: () => join(folder, `${nameOf(parts.length)}.parquet`),
    keep: async (part) => {
      await writeWhole(join(folder, `${nameOf(parts.length)}.json`), JSON.stringify(part))
      parts.push(part)
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function nameOf(part: number): string {
  return String(part).padStart(6, '0')
}

function checkSame(before: Task, now: Task, folder: string): void {
  const changed = differenceOf(before, now)
  if (changed === undefined) return
  throw new Problem(
    'conflict',
    `${folder} holds the beginning of other work: ${changed}. Give what it began with to go on, or begin anew with --restart`,
  )
}

function differenceOf(before: Task, now: Task): string | undefined {
  const model = ({ name, version }: Task['model']) => `${name}:${version}`
  if (before.model.digest !== now.model.digest || model(before.model) !== model(now.model))
    return model(before.model) === model(now.model)
      ? `the files of the model ${model(now.model)} have changed since`
      : `it was predicted by ${model(before.model)}, and now ${model(now.model)} is meant`
  const files = new Map(before.files.map((file) => [file.path, file]))
  for (const file of now.files) {
    const known = files.get(file.path)
    if (known === undefined) return `the input ${file.path} was not among its files`
    if (known.sizeBytes !== file.sizeBytes || known.changedMs !== file.changedMs)
      return `the input ${file.path} has changed since`
    files.delete(file.path)
  }
  for (const [path] of files) return `its input ${path} is not there any more`
  const names = new Set([...Object.keys(before.options), ...Object.keys(now.options)])
  for (const name of names)
    if (before.options[name] !== now.options[name])
      return `it was begun with ${name} ${shown(before.options[name])}, and now it is ${shown(now.options[name])}`
  return undefined
}

function shown(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? 'not given' : String(value)
}

async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

/** All of it is there, or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
