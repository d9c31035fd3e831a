/** How a terminal takes pictures. */
export type PictureWay = 'kitty' | 'iterm'

/** What the terminal says that it can do; undefined where pictures would be signs on the screen. */
export function pictureWay(
  variables: Readonly<Record<string, string | undefined>>,
): PictureWay | undefined {
  // A multiplexer between us and the terminal swallows what it does not know.
  if (variables['TMUX'] !== undefined || variables['STY'] !== undefined) return undefined
  const { TERM = '', TERM_PROGRAM = '', LC_TERMINAL = '' } = variables
  if (
    TERM.includes('kitty') ||
    TERM === 'xterm-ghostty' ||
    variables['KITTY_WINDOW_ID'] !== undefined
  )
    return 'kitty'
  return /^(?:iTerm\.app|WezTerm)$/.test(TERM_PROGRAM) || LC_TERMINAL === 'iTerm2'
    ? 'iterm'
    : undefined
}

/** Signs that make the terminal show a picture; undefined where it does not know the format. */
export function picture(bytes: Uint8Array, path: string, way: PictureWay): string | undefined {
  const text = Buffer.from(bytes).toString('base64')
  if (way === 'iterm')
    return path.endsWith('.svg')
      ? undefined
      : `\u001b]1337;File=inline=1;size=${bytes.length}:${text}\u0007\n`
  if (!isPng(bytes)) return undefined
  const chunks = text.match(/.{1,4096}/g) ?? []
  return `${chunks
    .map((chunk, at) => {
      const keys = at === 0 ? 'a=T,f=100,' : ''
      return `\u001b_G${keys}m=${at === chunks.length - 1 ? 0 : 1};${chunk}\u001b\\`
    })
    .join('')}\n`
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, at) => bytes[at] === byte)
}
