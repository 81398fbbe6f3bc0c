"""DSL documents for tests."""

import textwrap


def app(mode: str = "workflow", *, name: str = "Echo", kind: str = "llm") -> str:
    """A small app whose start node takes an optional `text` and a `count`."""
    return textwrap.dedent(f"""\
        app:
          name: {name}
          mode: {mode}
        kind: app
        version: 0.3.1
        workflow:
          features:
            opening_statement: Hello
          graph:
            edges:
            - {{id: e1, source: start, target: llm}}
            nodes:
            - id: start
              data:
                type: start
                title: Start
                variables:
                - {{variable: text, type: paragraph, label: Text, required: false}}
                - {{variable: count, type: number, label: Count, required: false}}
            - id: llm
              data: {{type: {kind}, title: LLM}}
        """)
