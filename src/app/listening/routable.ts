/** More than a request line can have, so that a name that is too long is told by the route that it was sent to. */
export const PARAM_CHARS_MAX = 64 * 1024

/** The address with its percent signs taken as written where they encode nothing: then the route answers, in its protocol's words. */
export function routable(url: string): string {
  if (!url.includes('%')) return url
  const [path = '', ...query] = url.split('?')
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?')
  }
}
