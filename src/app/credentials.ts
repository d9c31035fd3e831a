/** Text without the passwords and tokens of addresses in it, as git and others print them. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/\b(https?:\/\/)[^\s/@'"]+@/g, '$1***@')
}
