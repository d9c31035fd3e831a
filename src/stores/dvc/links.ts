import { chmod, copyFile, constants, link, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { digestFile } from '#base/digest'
import { Problem } from '#base/problem'
import { temporaryBeside } from './atomic.ts'

export type LinkType = 'reflink' | 'copy' | 'hardlink' | 'symlink'

/** Puts an object of the cache at a place of the workspace, in the first of these ways that works there. */
export async function placeObject(
  object: string,
  target: string,
  how: { types: readonly LinkType[]; md5?: string; executable?: boolean },
): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  let reason: unknown
  for (const type of how.types) {
    const temporary = temporaryBeside(target)
    try {
      await LINKS[type](object, temporary)
      if (how.md5 !== undefined) await checkCopy(temporary, { object, md5: how.md5 })
      if (type === 'copy' || type === 'reflink')
        await chmod(temporary, (0o666 & ~process.umask()) | (how.executable === true ? 0o100 : 0))
      await rename(temporary, target)
      return
    } catch (error) {
      await rm(temporary, { force: true })
      if (error instanceof Problem) throw error
      reason = error
    }
  }
  throw reason
}

const LINKS: Readonly<Record<LinkType, (object: string, target: string) => Promise<void>>> = {
  reflink: (object, target) => copyFile(object, target, constants.COPYFILE_FICLONE_FORCE),
  copy: (object, target) => copyFile(object, target),
  hardlink: (object, target) => link(object, target),
  symlink: (object, target) => symlink(object, target),
}

/** A damaged object must not reach the workspace unseen: DVC would hand it out and notice later. */
async function checkCopy(copy: string, of: { object: string; md5: string }): Promise<void> {
  if ((await digestFile(copy, 'md5')) === of.md5) return
  await rm(of.object, { force: true })
  throw new Problem(
    'conflict',
    `the cache's object ${of.md5} is damaged and was removed; run \`orrery pull\`, or make the data again`,
  )
}
