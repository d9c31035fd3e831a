import { Problem } from '#base/problem'
import type { Content, VersionedFile } from './content.ts'

/** A path of the project whose content DVC's files name: written by `add`, or by a stage. */
export interface Out {
  /** Relative to the project's root, with slashes. */
  readonly path: string
  /** The `.dvc` file, or the address of the stage, that names it. */
  readonly owner: Owner
  /** Undefined before it was made or added for the first time. */
  readonly content: Content | undefined
  /** Of data that a bucket keeps in versions, and no list of a folder names: its files. */
  readonly files?: readonly VersionedFile[]
  /** Of one such file: the version of it, by remote. */
  readonly versions?: ReadonlyMap<string, string>
  /** False for what Git keeps, such as small metrics. */
  readonly cached: boolean
  /** False for what must never leave this machine. */
  readonly push: boolean
  /** The only remote it may go to, if one is named. */
  readonly remote: string | undefined
}

export type Owner =
  | {
      readonly kind: 'tracked'
      readonly file: string
      readonly frozen: boolean
      readonly imported: boolean
    }
  | { readonly kind: 'stage'; readonly file: string; readonly address: string }

export function nameOf(owner: Owner): string {
  return owner.kind === 'tracked' ? owner.file : owner.address
}

/** Whether `path` is `folder` or lies within it; '' is the project's root. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`)
}

export function overlaps(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one)
}

/**
 * The outs that a word of the command line means: an out's path, a path within one, the file that names
 * it, a stage's address or the name of its group, or a folder with outs in it. With a path within an out, `part` is that path.
 */
export function outsNamed(outs: readonly Out[], target: string): Selection[] {
  const whole = outs.filter(
    (out) =>
      out.path === target ||
      out.owner.file === target ||
      (out.owner.kind === 'stage' &&
        (out.owner.address === target || out.owner.address.startsWith(`${target}@`))),
  )
  if (whole.length > 0) return whole.map((out) => ({ out, part: undefined }))
  const around = outs.filter((out) => isWithin(target, out.path))
  if (around.length > 0)
    return around.map((out) => ({ out, part: target.slice(out.path.length + 1) }))
  return outs.filter((out) => isWithin(out.path, target)).map((out) => ({ out, part: undefined }))
}

export interface Selection {
  readonly out: Out
  /** Only this path below the out is meant. */
  readonly part: string | undefined
}

/** What the targets mean, everything where there is none; throws `not-found` for one that means nothing. */
export function selected(outs: readonly Out[], targets: readonly string[]): Selection[] {
  if (targets.length === 0) return outs.map((out) => ({ out, part: undefined }))
  return targets.flatMap((target) => {
    const found = outsNamed(outs, target)
    if (found.length === 0)
      throw new Problem(
        'not-found',
        `${target} names no tracked data, no file that tracks data and no stage; \`orrery status\` lists them`,
      )
    return found
  })
}
