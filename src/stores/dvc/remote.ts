import { existsSync } from 'node:fs'
import { messageOf } from '#base/problem'
import type { Failed, ObjectName, Remote } from '#data'
import { eachOf, type TreeFormat } from './measure.ts'
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
    upload: (objects) => copied(objects, { from: cache, to: there }),
    download: (objects) => copied(objects, { from: there, to: cache }),
  }
}

async function copied(
  objects: readonly ObjectName[],
  way: { from: ObjectFolder; to: ObjectFolder },
): Promise<Failed[]> {
  const failed: Failed[] = []
  await eachOf(objects, async (object) => {
    const path = way.from.pathOf(object)
    try {
      if ((await way.from.missing([object])).length > 0)
        failed.push({
          object,
          reason: `${object.md5} is not at ${path}${existsSync(path) ? ' as a file' : ''}`,
        })
      else await way.to.take(path, object)
    } catch (error) {
      failed.push({ object, reason: messageOf(error) })
    }
  })
  return failed
}
