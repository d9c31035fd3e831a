/** The words that run a command while what it does with files and the network goes, one call a line, into a file. */
export function tracerWords({ file, filters }: { file: string; filters: boolean }): string[] {
  return [
    'strace',
    // The command stays our own child, so that nobody waits for what it leaves behind.
    '-D',
    '-f',
    '-y',
    '-qq',
    ...(filters ? ['--seccomp-bpf'] : []),
    '-s',
    '8',
    '-e',
    'signal=none',
    '-e',
    `trace=${CALLS.join(',')}`,
    '-o',
    file,
  ]
}

const CALLS = ['%file', 'fchdir', 'connect', '?clone', '?clone3', '?fork', '?vfork']

/** One thing that a process did. Paths are absolute. */
export type Deed =
  | {
      readonly kind: 'read' | 'looked' | 'wrote'
      readonly path: string
      /** Where links led, as the kernel opened it. */
      readonly real?: string
      /** The name of what went wrong; null where nothing did. */
      readonly error: string | null
    }
  | {
      readonly kind: 'called'
      readonly address: string
      readonly port: number
      readonly error: string | null
    }

/** Understands a trace line by line; it knows where each process stands. */
export function deedReader(startFolder: string): (line: string) => Deed[] {
  const folders = new Map<string, string>()
  const begun = new Map<string, string>()
  let lastParent: string | undefined
  const folderOf = (pid: string) => {
    const known = folders.get(pid)
    if (known !== undefined) return known
    // A child's first call may come before its parent's is done.
    const inherited =
      (lastParent === undefined ? undefined : folders.get(lastParent)) ?? startFolder
    folders.set(pid, inherited)
    return inherited
  }
  return (line) => {
    // Of what is open already it is known how it was opened.
    if (line.endsWith(', AT_EMPTY_PATH) = 0')) return NOTHING
    const [, pid = '', said = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (pid === '') return []
    const whole = resumed(begun, pid, said)
    if (/^(?:clone3?|v?fork)\(/.test(said)) lastParent = pid
    if (whole === undefined) return []
    const call = callIn(whole)
    if (call === undefined) return []
    if (STARTS.has(call.name)) {
      if (/^\d+$/.test(call.result)) folders.set(call.result, folderOf(pid))
      return []
    }
    const stands = /AT_FDCWD<([^>]*)>/.exec(call.words)?.[1]
    if (stands !== undefined) folders.set(pid, unescaped(stands))
    const folder = folderOf(pid)
    if (call.name === 'chdir' || call.name === 'fchdir') {
      if (call.error === null) folders.set(pid, movedTo(call, folder))
      return []
    }
    return deedsOf(call, folder)
  }
}

const NOTHING: Deed[] = []
const STARTS = new Set(['clone', 'clone3', 'fork', 'vfork'])

/** The whole text of a call that others interrupted; undefined until its end has come. */
function resumed(begun: Map<string, string>, pid: string, said: string): string | undefined {
  if (said.endsWith('<unfinished ...>')) {
    begun.set(pid, said.slice(0, -'<unfinished ...>'.length))
    return undefined
  }
  const [mark] = /^<\.\.\. \w+ resumed>/.exec(said) ?? []
  if (mark === undefined) return said
  const head = begun.get(pid) ?? ''
  begun.delete(pid)
  return head + said.slice(mark.length)
}

interface Call {
  readonly name: string
  readonly words: string
  readonly result: string
  readonly error: string | null
}

function callIn(text: string): Call | undefined {
  const [, name, words = '', result = '', rest = ''] =
    /^(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$/.exec(text) ?? []
  if (name === undefined) return undefined
  const error = result === '-1' ? (/^ (E[A-Z0-9]+)/.exec(rest)?.[1] ?? 'E') : null
  return { name, words, result: `${result}${error === null ? rest : ''}`, error }
}

function movedTo(call: Call, folder: string): string {
  const shown = call.name === 'fchdir' ? /<([^>]*)>/.exec(call.words)?.[1] : undefined
  if (shown !== undefined) return unescaped(shown)
  const path = textsIn(call.words)[0]
  return path === undefined ? folder : placed(path, folder)
}

/** Calls that give two names, of which both change. */
const MOVES = new Set(['rename', 'renameat', 'renameat2'])
const LINKS = new Set(['link', 'linkat'])
const CHANGES =
  /^(?:creat|mkdir(?:at)?|rmdir|unlink(?:at)?|truncate|mknod(?:at)?|symlink(?:at)?|chmod|fchmodat2?|l?chown|fchownat|l?(?:set|remove)xattr|utimensat|utimes?|futimesat)$/

function deedsOf(call: Call, folder: string): Deed[] {
  const { name, words, error } = call
  if (name === 'connect') return callsOut(call)
  const paths = pathsIn(words, folder)
  const [first, second] = paths
  if (first === undefined) return []
  if (MOVES.has(name))
    return error === 'ENOENT'
      ? []
      : paths.slice(0, 2).map((path) => ({ kind: 'wrote', path, error }))
  if (LINKS.has(name))
    return [
      { kind: 'read', path: first, error },
      ...(second === undefined ? [] : [{ kind: 'wrote' as const, path: second, error }]),
    ]
  // The link's target is only text.
  if (name.startsWith('symlink'))
    return second === undefined ? [] : [{ kind: 'wrote', path: second, error }]
  if (CHANGES.test(name))
    // What is not there cannot be changed.
    return error === 'ENOENT' && name !== 'creat' ? [] : [{ kind: 'wrote', path: first, error }]
  if (name.startsWith('open')) return [opened(call, first)]
  if (name.startsWith('exec')) return [{ kind: 'read', path: first, error }]
  return [{ kind: 'looked', path: first, error }]
}

function opened({ words, result, error }: Call, path: string): Deed {
  const real = /<([^>]*)>/.exec(result)?.[1]
  const writes = /O_(?:WRONLY|RDWR|CREAT|TRUNC)/.test(words)
  return {
    kind: writes ? 'wrote' : /O_PATH/.test(words) ? 'looked' : 'read',
    path,
    error,
    ...(real === undefined ? {} : { real: unescaped(real) }),
  }
}

function callsOut({ words, error }: Call): Deed[] {
  const port = Number(/sin6?_port=htons\((\d+)\)/.exec(words)?.[1] ?? 0)
  const address =
    /sin_addr=inet_addr\("([^"]*)"\)/.exec(words)?.[1] ??
    /inet_pton\(AF_INET6, "([^"]*)"/.exec(words)?.[1]
  // Without a port it is only asked which way an address would be reached.
  return address === undefined || port === 0 ? [] : [{ kind: 'called', address, port, error }]
}

/** The paths of a call, each from where it counts. */
function pathsIn(words: string, folder: string): string[] {
  const found: string[] = []
  for (const [, , base, text] of words.matchAll(PATH)) {
    if (text === undefined) continue
    const path = unescaped(text)
    if (path === '') continue
    found.push(placed(path, base === undefined ? folder : unescaped(base)))
  }
  return found
}

/** A text, and before it the folder that it counts from, where the call names one. */
const PATH = /((?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g

function textsIn(words: string): string[] {
  return [...words.matchAll(PATH)].map(([, , , text = '']) => unescaped(text))
}

function placed(path: string, folder: string): string {
  const parts: string[] = []
  for (const part of (path.startsWith('/') ? path : `${folder}/${path}`).split('/'))
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return `/${parts.join('/')}`
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8 }

/** Text as C writes it, whose bytes are UTF-8. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') {
      bytes.push(text.charCodeAt(at))
      continue
    }
    const [octal] = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4)) ?? []
    const next = text[at + 1] ?? ''
    bytes.push(
      octal === undefined ? (ESCAPES[next] ?? next.charCodeAt(0)) : Number.parseInt(octal, 8),
    )
    at += octal?.length ?? 1
  }
  return Buffer.from(bytes).toString()
}
