import type { FileEntryWithStats, SFTPWrapper } from 'ssh2'
import { Problem } from '#base/problem'
import { NO_SUCH_FILE, type Use } from './ssh.ts'
import { objectsIn, persistently, type Kept, type Tidying } from './transport.ts'

interface Reached {
  readonly use: Use
  pathOf(key: string): string
  makeFolderOf(sftp: SFTPWrapper, path: string): Promise<void>
  fault(error: Error, path: string): Error
}

type Answer = (error: Error | null | undefined) => void

/** A folder of another machine as who tidies it needs it. */
export function folderTidying(at: Reached): Tidying {
  const folders = async (folder: string) =>
    (await entriesOf(at, folder)).filter(({ attrs }) => attrs.isDirectory()).map(nameOf)
  const below = (folder: string) => keptBelow(at, folder)
  const remove = async (key: string) => {
    await done(at, key, (sftp, path, answer) => sftp.unlink(path, answer))
  }
  return {
    objects: () => objectsIn({ folders, below }),
    remove,
    moving: {
      folders,
      below,
      move: async (from, to) => {
        await at.use((sftp) => at.makeFolderOf(sftp, at.pathOf(to)))
        const isThere = await done(at, from, (sftp, path, answer) =>
          sftp.rename(path, at.pathOf(to), answer),
        )
        // The answer to an earlier attempt may have been lost.
        const isMoved =
          isThere || (await done(at, to, (sftp, path, answer) => sftp.stat(path, answer)))
        if (!isMoved) throw new Problem('not-found', `${at.pathOf(from)} is not there any more`)
      },
      removeAll: async (keys) => {
        for (const key of keys) await remove(key)
      },
      close: (folder) => closed(at, folder),
    },
  }
}

function nameOf({ filename }: FileEntryWithStats): string {
  return filename
}

/** False where there is no such file. */
function done(
  { use, pathOf, fault }: Reached,
  key: string,
  work: (sftp: SFTPWrapper, path: string, answer: Answer) => void,
): Promise<boolean> {
  const path = pathOf(key)
  return persistently(() =>
    use(
      (sftp) =>
        new Promise<boolean>((resolve, reject) =>
          work(sftp, path, (error) => {
            if (!error) resolve(true)
            else if ((error as { code?: number }).code === NO_SUCH_FILE) resolve(false)
            else reject(fault(error, path))
          }),
        ),
    ),
  )
}

async function entriesOf(at: Reached, folder: string): Promise<FileEntryWithStats[]> {
  let found: FileEntryWithStats[] = []
  await done(at, folder, (sftp, path, answer) =>
    sftp.readdir(path, (error, entries) => {
      if (error === undefined) found = entries
      answer(error)
    }),
  )
  return found
}

async function* keptBelow(at: Reached, folder: string): AsyncIterable<Kept> {
  for (const { filename, attrs } of await entriesOf(at, folder))
    if (attrs.isDirectory()) yield* keptBelow(at, `${folder}${filename}/`)
    else if (attrs.isFile()) yield { key: `${folder}${filename}`, sizeBytes: attrs.size }
}

/** A folder in which something came to be meanwhile stays. */
async function closed(at: Reached, folder: string): Promise<void> {
  for (const { filename, attrs } of await entriesOf(at, folder))
    if (attrs.isDirectory()) await closed(at, `${folder}${filename}/`)
  await at.use(
    (sftp) =>
      new Promise<void>((resolve) => {
        sftp.rmdir(at.pathOf(folder), () => resolve())
      }),
  )
}
