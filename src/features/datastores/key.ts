/** Where DVC puts an object below a remote's address, and what that says of its bytes. */
export interface ObjectKey {
  readonly text: string
  readonly md5: string
  /** The list of a folder's files. */
  readonly isList: boolean
  /** Laid out, and hashed, as DVC 2 did. */
  readonly isLegacy: boolean
}

/** `files/md5/xx/…` and, of DVC 2, `xx/…`; nothing else is a key, so no key is ever a path elsewhere. */
export function keyIn(text: string): ObjectKey | undefined {
  const [, folder, start = '', rest = '', suffix] =
    /^(files\/md5\/)?([0-9a-f]{2})\/([0-9a-f]{30})(\.dir)?$/.exec(text) ?? []
  if (start === '') return undefined
  return {
    text,
    md5: start + rest,
    isList: suffix !== undefined,
    isLegacy: folder === undefined,
  }
}

/** The key of a file that a list names, beside the list. */
export function memberKey(list: ObjectKey, md5: string): string {
  return `${list.isLegacy ? '' : 'files/md5/'}${md5.slice(0, 2)}/${md5.slice(2)}`
}
