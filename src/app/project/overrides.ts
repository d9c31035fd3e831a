import { lstatSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { Override } from '#stages'
import { applied } from '#protocols/dvc/params-edit'
import { writeWhole } from '#stores/dvc/atomic'
import { checkPlaces } from '#stores/dvc/safe-places'

/** The texts that files of parameters have with those overrides, by path; nothing is written. Throws `invalid`. */
export function overriddenTexts(root: string, overrides: readonly Override[]): Map<string, string> {
  const files = [...new Set(overrides.map(({ file }) => file))]
  return new Map(
    files.map((file) => {
      const own = overrides.filter((each) => each.file === file)
      return [file, applied(own, textOf(root, file), file)]
    }),
  )
}

/** Writes overrides into the files of a project, all of them or none; gives the files that are now otherwise. */
export async function applyOverrides(
  root: string,
  overrides: readonly Override[],
): Promise<string[]> {
  const changed = [...overriddenTexts(root, overrides)].filter(
    ([file, text]) => text !== textOf(root, file),
  )
  for (const [file, text] of changed) writeWhole(join(root, file), text)
  return changed.map(([file]) => file)
}

function textOf(root: string, file: string): string {
  if (dirname(file) !== '.') checkPlaces(root, file, [file])
  const found = lstatSync(join(root, file), { throwIfNoEntry: false })
  if (found?.isFile() !== true)
    throw new Problem(
      found === undefined ? 'not-found' : 'invalid',
      `${file} is ${found === undefined ? 'not there' : 'no plain file'}, so no parameter of it can be changed; name another one, as in -S other.yaml:key=value`,
    )
  return readFileSync(join(root, file), 'utf8')
}
