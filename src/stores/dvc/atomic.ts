import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { randomIds } from '#base/ids'

/** Files are written beside their place and renamed into it, so that nobody ever sees half of one. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${startBeside(path)}${randomIds.ulid()}.orrery`)
}

/** Removes what killed processes left of a file beside its place; nobody may be writing it. */
export function removeHalves(path: string): void {
  const folder = dirname(path)
  const start = startBeside(path)
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.startsWith(start) && /^[0-9A-Z]{26}\.orrery$/.test(name.slice(start.length)))
      rmSync(join(folder, name), { force: true })
}

function startBeside(path: string): string {
  return `.${basename(path).slice(0, 64)}.`
}

/** Replaces a file's content: after a crash it is the old or the new one, whole. */
export function writeWhole(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  replaceFile(path, content, { sync: true })
}

/** Replaces a file's content at once. Without `sync`, a power failure may leave anything: for what tells by itself whether it is whole. */
export function replaceFile(
  path: string,
  content: string | Buffer,
  { sync = false }: { sync?: boolean } = {},
): void {
  const temporary = temporaryBeside(path)
  try {
    const file = openSync(temporary, 'wx')
    try {
      const bytes = Buffer.from(content)
      for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
      if (sync) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
