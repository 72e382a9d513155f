def handler(event, context):
    return {"doubled": str(2 * int(event["number"]))}
