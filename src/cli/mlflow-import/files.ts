import { messageOf, Problem } from '#base/problem'
import type { MlflowSource, Owner, SourceFile, SourceFolder } from '../mlflow-store/source.ts'
import type { Report } from './report.ts'
import type { Target } from './target.ts'

/** Files on their way at once: enough to hide the waits of each. */
const AT_ONCE = 8
const TRIES = 3

export interface Copy {
  readonly source: MlflowSource
  readonly target: Target
  readonly report: Report
}

/** Copies the artifacts of a run or a logged model to a folder here; false when some of them could not be. */
export async function copyFiles(
  copy: Copy,
  owner: Owner,
  { uri, folder, isNew }: { uri: string; folder: string; isNew: boolean },
): Promise<boolean> {
  const { source, target, report } = copy
  const skip = (reason: string) => {
    report.skipped.push({ what: `files of the ${owner.kind}`, id: owner.id, reason })
    return false
  }
  const located = await source.artifacts(owner, uri)
  if (located.kind === 'elsewhere') {
    report.elsewhere += 1
    return true
  }
  if (located.kind === 'lost') return skip(located.reason)
  try {
    const files = await Array.fromAsync(located.folder.files())
    if (files.length === 0) return true
    const here = isNew ? new Map<string, number>() : await target.files(folder)
    const missing = files.filter(({ path, sizeBytes }) => here.get(path) !== sizeBytes)
    const failed = await inParallel(missing, async (file) => {
      await putAgain(target, located.folder, { file, to: `${folder}/${file.path}` })
      report.files += 1
      report.bytes += file.sizeBytes
    })
    for (const { item, reason } of failed)
      report.skipped.push({ what: 'file', id: `${owner.id}/${item.path}`, reason })
    for (const { path } of files.filter((file) => /%[0-9a-f]{2}/i.test(file.path)))
      report.renamed.push({
        id: `${owner.id}/${path}`,
        name: 'a file',
        as: decodeURIComponent(path.replace(/%(?![0-9a-f]{2})/gi, '%25')),
        why: "MLflow's clients cannot ask for a name that has an escaped character in it",
      })
    return failed.length === 0
  } catch (error) {
    if (error instanceof Problem) return skip(error.message)
    throw error
  }
}

async function putAgain(
  target: Target,
  folder: SourceFolder,
  { file, to }: { file: SourceFile; to: string },
): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await target.put(to, await folder.open(file.path))
      return
    } catch (error) {
      const isPassing = error instanceof Problem && error.code === 'unavailable'
      if (!isPassing || attempt === TRIES) throw error
    }
}

/** Does the work for each, some at once; gives those that failed, with the reason. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<{ item: T; error: unknown; reason: string }[]> {
  const failed: { item: T; error: unknown; reason: string }[] = []
  const left = items.values()
  const worker = async () => {
    for (const item of left)
      await work(item).catch((error: unknown) => {
        failed.push({ item, error, reason: messageOf(error) })
      })
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return failed
}
