import { existsSync } from 'node:fs'
import type { Failed, Moving, ObjectName, Remote } from '#data'
import type { CopyFault } from './crew/copying.ts'
import { statOf, type TreeFormat } from './measure.ts'
import { openObjectFolder, type ObjectFolder } from './objects.ts'

/** A remote that is a folder of this machine or of a mounted disk; laid out as the cache is. */
export function openFolderRemote(options: {
  name: string
  folder: string
  cache: ObjectFolder
  trees: TreeFormat
}): Remote {
  const { name, cache } = options
  const there = openObjectFolder(options)
  return {
    name,
    missing: (objects) => there.missing(objects),
    tree: (content) => there.tree(content),
    upload: (objects, moving) => copied(objects, { from: cache, to: there }, moving),
    download: (objects, moving) => copied(objects, { from: there, to: cache }, moving),
  }
}

/** To look at so many takes no time that anybody would see, and tells how large the others are on the average. */
const SIZED_MAX = 1000

/** Each is hashed as it passes: what is damaged on one side never gets its name on the other. */
async function copied(
  objects: readonly ObjectName[],
  way: { from: ObjectFolder; to: ObjectFolder },
  { onDone, onSize }: Moving = {},
): Promise<Failed[]> {
  const files = objects.map((object) => ({ source: way.from.pathOf(object), object }))
  const some = onSize === undefined ? [] : files.slice(0, SIZED_MAX)
  onSize?.(
    some.length,
    some.reduce((sum, { source }) => sum + (statOf(source)?.size ?? 0), 0),
  )
  const { faults } = await way.to.takeAll(files, { onDone })
  return faults.flatMap((fault) => {
    const file = files[fault.index]
    return file === undefined
      ? []
      : [
          {
            object: file.object,
            reason: reasonOf(fault, file, way.to.pathOf(file.object)),
            ...(fault.what === 'missing' ? { absent: true } : {}),
          },
        ]
  })
}

function reasonOf(
  { what, message }: CopyFault,
  { source: path, object: { md5 } }: { source: string; object: ObjectName },
  place: string,
): string {
  if (what === 'missing') return `${md5} is not at ${path}${existsSync(path) ? ' as a file' : ''}`
  if (what === 'failed') return `${md5} could not be copied to ${place}: ${message}`
  return `${md5} at ${path} is damaged: it has other bytes than its name says; bring it again from where it is whole`
}
