// Answers questions about Segment's small languages with Segment's own packages, unmodified.
// A question a line on stdin, an answer a line on stdout: {"lex": text} {"parse": text} {"evaluate": [ir, event]}
// {"trigger": text} {"validate": [tree, event]} {"generate": tree}
import { createInterface } from 'node:readline'
import fql from '@segment/fql-ts'
import subscriptions from '@segment/destination-subscriptions'
import tsub from '@segment/tsub'

const { ast, lex } = fql
const answers = {
  lex: (text) => refused(lex(text)) ?? lex(text).tokens,
  parse: (text) => refused(lex(text)) ?? refused(ast(lex(text).tokens)) ?? true,
  evaluate: ([ir, event]) => tsub.matches(event, { type: 'fql', ir: JSON.stringify(ir) }),
  trigger: (text) => refused(subscriptions.parseFql(text)) ?? subscriptions.parseFql(text),
  validate: ([tree, event]) => subscriptions.validate(tree, event),
  generate: (tree) => subscriptions.generateFql(tree),
}

function refused({ error }) {
  return error && { refused: String(error.message) }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [[kind, asked]] = Object.entries(JSON.parse(line))
  let answer
  try {
    answer = answers[kind](asked)
  } catch (error) {
    answer = { refused: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
