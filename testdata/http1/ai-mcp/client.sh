# The Model Context Protocol over HTTP, its own Python implementation at both ends: a greeting, a list of tools, a tool that
# is called, one that fails, one that does not exist, and a resource.
# clients: python3
python - <<'PYTHON' &
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")

@server.tool()
def price(item: str) -> int:
    if item == "none":
        raise ValueError("no such item")
    return 7

@server.resource("shop://items/{item}")
def item(item: str) -> str:
    return "item " + item

server.run("streamable-http", host="127.0.0.1", port=9401)
PYTHON
sleep 4
python - <<'PYTHON'
import anyio
from mcp import Client

async def main():
    async with Client("http://127.0.0.1:9401/mcp") as client:
        await client.list_tools()
        print(await client.call_tool("price", {"item": "private"}))
        for tool, arguments in [("price", {"item": "none"}), ("missing", {})]:
            try:
                print(await client.call_tool(tool, arguments))
            except Exception as error:
                print(repr(error))
        print(await client.read_resource("shop://items/7"))

anyio.run(main)
PYTHON
