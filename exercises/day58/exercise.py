"""Day 58: rows and documents as models. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside comes as a parameter: here the address of a database, whose
tables are there, with some rows. `exercise_1.sql` and so on, beside this file, show them. The
grader has databases of its own, with other rows, and `grade serve` gives the app one.

    grade day58            grade everything
    grade day58 2          grade exercise 2
    grade serve day58 2    serve it, to try it by hand

Times in answers are in the ISO format that Pydantic and FastAPI write. Any time zone will do,
except in exercise 6.
"""

# Exercise 1: a row as a model (a warm-up)


def exercise_1(dsn="postgresql://postgres@localhost/day58"):
    """GET /users/{id} answers {"id", "username", "email", "created_at", "updated_at"}.

    Read the row from the table `users`, and make it a Pydantic model. `updated_at` is null for a
    user who was never changed. An unknown user is answered 404.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: rows that don't fit


def exercise_2(dsn="postgresql://postgres@localhost/day58"):
    """GET /users answers a list of the active users, by id; GET /users/{id} answers one.

    A user is {"id", "username", "email", "created_at", "updated_at"} again, but here `email`
    has to be a string. In the table there is an active user without one.

    - In the list, a row that doesn't fit the model is left out, and logged on the logger
      "day58" with its id. The others are answered as if it weren't there.
    - GET /users/{id} of such a row is a 500 that says nothing of the row, or of what is wrong
      with it.
    - An unknown user is 404.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: rows within rows


def exercise_3(dsn="postgresql://postgres@localhost/day58"):
    """GET /users/{id}/orders answers a user with all orders, and all their lines.

    {"id": 1, "username": "ada", "orders": [
        {"id": 1, "placed_at": "2026-03-01T10:00:00Z", "lines": [
            {"sku": "lamp", "quantity": 2, "price": "12.50"}]}]}

    The tables are `users`, `orders` and `order_lines`.

    - Orders are sorted by id, and so are the lines of each. A user may have no orders, and an
      order no lines.
    - Prices are exact, as strings with their two decimals.
    - At most three statements for a request, however many orders there are.
    - An unknown user is 404.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: a repository


def exercise_4(dsn="postgresql://postgres@localhost/day58"):
    """Create, read, change and remove users, without losing anyone's change.

    All but DELETE answer {"id", "username", "email", "version"}. Put the SQL into a class of its
    own, which knows nothing of HTTP.

    - POST /users {"username", "email"} is 201; the version is 1 at first.
    - GET /users/{id} answers the user.
    - PATCH /users/{id} {"version", and what is to change} changes only what was sent, and counts
      the version up. `version` is the one that the client has read. If the row has moved on
      since then, it is 409, and nothing changes. Of twenty changes of one version at once
      exactly one succeeds.
    - DELETE /users/{id} is 204. The row stays, with `is_active` false. From then on the user is
      404 for everything.
    - A username or an email that another user has is 409; POST says which of them:
      {"taken": "username"} or {"taken": "email"}.
    - `null` for any field is 422; an unknown user is 404.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: documents


def exercise_5(url="mongodb://localhost:27017/day58"):
    """Products in MongoDB, in the collection `products` of the database that the URL names.

    Use PyMongo's `AsyncMongoClient`, or Motor. A product is answered as
    {"id", "sku", "name", "price"}; the id is a string.

    - POST /products {"sku", "name", "price"} is 201. No two products have the same sku: the
      second is 409. A unique index enforces that, and the app creates it when it starts.
    - GET /products?after=ID&limit=10 answers {"results": [...], "next": ...}: up to `limit`
      products (1 to 50, default 10; anything else is 422), by id, beginning after `after` if it
      is given. `next` is the last id of the page if more follow, else null.
    - GET /products/{id} answers one product. What isn't an id is 404, like an unknown id.
    - PATCH /products/{id} sets the fields that were sent, and no others, and answers the
      product. `null` is 422, a sku that another product has 409, an unknown id 404.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: types both ways


def exercise_6(dsn="postgresql://postgres@localhost/day58"):
    """POST /measurements stores a measurement, and GET /measurements/{id} gives it back.

    {"taken_at": "2026-03-01T12:00:00+02:00", "value": "0.1000000001", "tags": ["indoor"],
     "payload": {"sensor": 7}}

    The columns of the table `measurements` are `timestamptz`, `numeric(20,10)`, `text[]` and
    `jsonb`. POST answers 201 and GET 200, both with the measurement and its "id". Store each
    value as what it is: the payload as a JSON object, not as a string.

    - What comes back is what was sent. `taken_at` comes back in UTC, and `value` as a string with
      no digit lost: "0.10" may come back as "0.1000000000", which is the same number.
    - What doesn't fit is 422: more digits than the column holds, a payload that isn't an object,
      a tag that isn't a string, a time without an offset.
    - An unknown measurement is 404.
    """
    raise NotImplementedError("exercise 6")
