import { Problem } from '#base/problem'
import { saveOut, type Added } from './adding.ts'
import { outChange } from './change.ts'
import type { DataDependencies } from './dependencies.ts'
import type { Out } from './out.ts'
import type { KeepHow } from './store.ts'

export interface CommitHow extends KeepHow {
  /** Whether data that changed may be recorded, which is asked for each file that tracks some. */
  readonly agreed: (file: string, changed: readonly string[]) => Promise<boolean>
}

/** Records these outs of `.dvc` files as they are now, and keeps their bytes. */
export async function commitOuts(
  dependencies: DataDependencies,
  outs: readonly Out[],
  how: CommitHow,
): Promise<Added[]> {
  const { workspace } = dependencies
  const tracked = outs.filter(({ owner }) => owner.kind === 'tracked')
  const done: Added[] = []
  for (const [file, own] of byFile(tracked)) {
    const changed: string[] = []
    for (const out of own) {
      if (!(await workspace.exists(out.path)))
        throw new Problem(
          'not-found',
          `${out.path} of ${file} does not exist; bring it back with \`orrery checkout ${out.path}\`, or stop tracking it with \`orrery remove ${file}\``,
        )
      const change = await outChange(dependencies, out)
      if (change === 'modified') changed.push(out.path)
    }
    if (changed.length > 0 && !(await how.agreed(file, changed)))
      throw new Problem(
        'conflict',
        `${changed.join(', ')} changed since ${file} was written; use --force to record ${changed.length === 1 ? 'it as it is' : 'them as they are'}`,
      )
    for (const out of own) done.push(await saveOut(dependencies, out, how))
  }
  return done
}

function byFile(outs: readonly Out[]): Map<string, Out[]> {
  const files = new Map<string, Out[]>()
  for (const out of outs) files.set(out.owner.file, [...(files.get(out.owner.file) ?? []), out])
  return files
}
