import { hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { chmod, copyFile, constants, link, rename, rm, symlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { digestFile } from '#base/digest'
import { Problem } from '#base/problem'
import { temporaryBeside } from './atomic.ts'

export type LinkType = 'reflink' | 'copy' | 'hardlink' | 'symlink'

export interface Placing {
  /** What the object's bytes have to be. */
  readonly md5?: string
  readonly executable?: boolean
}

/** Puts an object of the cache at a place of the workspace. */
export type PlaceObject = (object: string, target: string, how: Placing) => Promise<void>

/** Beyond this a copy by the file system is faster than reading and writing. */
const SMALL_BYTES = 1 << 18

/** Places objects in the first of these ways that works; what does not work once is not tried again. */
export function objectPlacer(types: readonly LinkType[]): PlaceObject {
  let left = types
  return async (object, target, how) => {
    if (!existsSync(dirname(target))) mkdirSync(dirname(target), { recursive: true })
    const [first] = left
    const isCopy = first === 'copy' || first === 'reflink'
    if (isCopy && statSync(object).size <= SMALL_BYTES) return placeSmall(object, target, how)
    for (const type of left) {
      try {
        return await placeLarge(object, target, { ...how, type })
      } catch (error) {
        if (error instanceof Problem || type === left.at(-1)) throw error
        left = left.slice(left.indexOf(type) + 1)
      }
    }
  }
}

function placeSmall(object: string, target: string, how: Placing): void {
  const bytes = readFileSync(object)
  if (how.md5 !== undefined && hash('md5', bytes) !== how.md5) throw damaged(object, how.md5)
  const temporary = temporaryBeside(target)
  try {
    writeFileSync(temporary, bytes, { mode: how.executable === true ? 0o766 : 0o666 })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

async function placeLarge(
  object: string,
  target: string,
  how: Placing & { type: LinkType },
): Promise<void> {
  const temporary = temporaryBeside(target)
  try {
    await LINKS[how.type](object, temporary)
    if (how.md5 !== undefined && (await digestFile(temporary, 'md5')) !== how.md5)
      throw damaged(object, how.md5)
    if (how.type === 'copy' || how.type === 'reflink')
      await chmod(temporary, (0o666 & ~process.umask()) | (how.executable === true ? 0o100 : 0))
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

const LINKS: Readonly<Record<LinkType, (object: string, target: string) => Promise<void>>> = {
  reflink: (object, target) => copyFile(object, target, constants.COPYFILE_FICLONE_FORCE),
  copy: (object, target) => copyFile(object, target),
  hardlink: (object, target) => link(object, target),
  symlink: (object, target) => symlink(object, target),
}

/** A damaged object must not reach the workspace unseen: DVC would hand it out and notice later. */
function damaged(object: string, md5: string): Problem {
  rmSync(object, { force: true })
  return new Problem(
    'conflict',
    `the cache's object ${md5} is damaged and was removed; run \`orrery pull\`, or make the data again`,
  )
}
