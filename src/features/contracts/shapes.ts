/** Texts that are written in one way only, the narrowest first. Patterns are RE2's. */
export const SHAPES: Readonly<Record<string, string>> = {
  uuid: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  email: '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
  date: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
  'date and time': '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}',
  digits: '^[0-9]+$',
  'capitals and digits': '^[A-Z0-9]+$',
}
