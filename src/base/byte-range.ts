/** What of a file is asked for: all, a part with both ends in it, or one that it has not. */
export type Range = 'whole' | 'beyond' | { readonly start: number; readonly end: number }

/** The one range of a header; several, other units and what cannot be read mean the whole file, as HTTP allows. */
export function rangeIn(header: string | undefined, sizeBytes: number): Range {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const tail = Math.min(Number(last), sizeBytes)
    return tail === 0 ? 'beyond' : { start: sizeBytes - tail, end: sizeBytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= sizeBytes ? 'beyond' : { start, end }
}

/** Whether an entity tag is one of those in an `if-none-match`. */
export function isAmong(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}
