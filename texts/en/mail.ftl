# The mail with a sign-in code. $code: six digits; $desk: the desk's name; $minutes: how long the code is good.
mail-code-subject = { $code } is your code for { $desk }
mail-code-body =
    Hello!

    Your code to sign in to { $desk }: { $code }

    It is good for { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    } and only on the device that asked for it. Nobody from { $desk } will ever ask you for it.

    If it was not you who asked, do nothing: without the code nobody gets in.
