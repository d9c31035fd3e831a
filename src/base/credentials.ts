/** Text without the passwords and tokens of addresses in it, as git and others print them. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/\b(https?:\/\/)[^\s/'"]+@/gi, '$1***@')
    .replaceAll(/\b([a-z][a-z\d+.-]{1,20}:\/\/)[^\s/'":]*:[^\s/'"]+@/gi, '$1***@')
}
