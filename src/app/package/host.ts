import { execFile } from 'node:child_process'
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import type { FileEntry } from '#protocols/oci/index'

const run = promisify(execFile)

/**
 * The shared libraries that programs of this machine need, at their own places, each under all the names that
 * lead to it. Throws `unsupported` on a machine whose programs would not run in an image.
 */
export async function sharedLibraries(programs: readonly string[]): Promise<FileEntry[]> {
  if (process.platform !== 'linux')
    throw new Problem(
      'unsupported',
      'images are made on Linux, from its own libraries; run this there',
    )
  const names = new Set<string>()
  for (const program of programs) {
    const { stdout } = await run('ldd', [program]).catch((error: Error) => {
      throw new Problem('unsupported', `ldd cannot tell what ${program} needs: ${error.message}`)
    })
    // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader without an arrow
    for (const [, path] of stdout.matchAll(/(?:=>\s+|^\s+)(\/\S+)\s+\(0x/gm))
      if (path !== undefined) names.add(path)
  }
  const entries = new Map<string, FileEntry>()
  for (const name of names) await addLibrary(entries, name)
  return [...entries.values()]
}

/** Adds a library under the name that it is asked for by, whatever links lead there here. */
async function addLibrary(entries: Map<string, FileEntry>, path: string): Promise<void> {
  const place = path.slice(1)
  if (entries.has(place)) return
  const target = await realpath(path)
  entries.set(place, await fileEntry(target, place, 0o755))
}

/** A file of this machine at a place in the image. */
export async function fileEntry(
  file: string,
  path: string,
  mode: FileEntry['mode'] = 0o644,
): Promise<FileEntry> {
  const { size } = await stat(file)
  return { path, mode, content: { file, sizeBytes: size } }
}

/** All files below a folder that `keep` says yes to, at the same places below `path`. */
export async function filesBelow(
  folder: string,
  path: string,
  keep: (name: string) => boolean = () => true,
): Promise<FileEntry[]> {
  const found: FileEntry[] = []
  for (const name of (await readdir(folder)).toSorted()) {
    const file = join(folder, name)
    const there = await lstat(file)
    const place = `${path}/${name}`
    if (there.isSymbolicLink())
      found.push({ path: place, mode: 0o644, content: { link: await readlink(file) } })
    else if (there.isDirectory()) found.push(...(await filesBelow(file, place, keep)))
    else if (keep(file))
      found.push(await fileEntry(file, place, (there.mode & 0o111) > 0 ? 0o755 : 0o644))
  }
  return found
}
