/** Lines for people, or one JSON text. */
export function say(flags: { json?: boolean }, json: unknown, lines: readonly string[]): void {
  if (flags.json === true) process.stdout.write(`${JSON.stringify(json)}\n`)
  else for (const line of lines) process.stdout.write(`${line}\n`)
}
