import { spawn } from 'node:child_process'

/** Opens a file with what the desktop takes for pages; where there is none, its address was printed. */
export function openInBrowser(file: string): void {
  const [program, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['explorer.exe']
        : ['xdg-open']
  const child = spawn(program ?? 'xdg-open', [...before, file], { detached: true, stdio: 'ignore' })
  child.on('error', () =>
    process.stderr.write(`no program was found that opens pages; open ${file} yourself\n`),
  )
  child.unref()
}
